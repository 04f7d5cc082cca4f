"""The command `loss`: how well a model foretells a text that it did not write."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from kvviz.commands import options
from kvviz.commands.text_file import read, tell
from kvviz.translation import gettext as _
from kvviz.translation import ngettext

if TYPE_CHECKING:
    from kvviz.engine import TextLoss


def declare(parser: argparse.ArgumentParser) -> None:
    """Tell a parser what the command takes."""
    parser.set_defaults(run=_loss)
    options.add_model(parser)
    parser.add_argument(
        "--text", required=True, metavar="FILE", help=_("text to score, - for standard input")
    )
    parser.add_argument(
        "--context",
        type=int,
        help=_("tokens of a window (default: the model's positions, 1,024 at most)"),
    )
    parser.add_argument(
        "--stride",
        type=int,
        help=_("tokens that each window begins further than the one before it (default: half)"),
    )
    options.add_device_and_dtype(parser)
    parser.add_argument("--json", action="store_true", help=_("print one JSON object"))


def _loss(arguments: argparse.Namespace) -> None:
    from kvviz.engine import text_loss

    text = read(arguments.text)
    model = options.model_of(arguments)
    found = text_loss(
        model, text, context=arguments.context, stride=arguments.stride, progress=tell
    )
    if arguments.json:
        print(json.dumps(_facts(found)))
    else:
        _print(found)


def _rule(found: TextLoss) -> str:
    """Say which windows scored the text."""
    if found.n_windows == 1:
        return _("one window, in which each token has all that stand before it")
    return ngettext(
        "{n:,} windows of up to {context:,} tokens, each {stride:,} token further; a token behind "
        "the first window has at least {least:,} before it",
        "{n:,} windows of up to {context:,} tokens, each {stride:,} tokens further; a token behind "
        "the first window has at least {least:,} before it",
        found.stride,
    ).format(
        n=found.n_windows,
        context=found.context,
        stride=found.stride,
        least=found.context - found.stride,
    )


def _facts(found: TextLoss) -> dict[str, Any]:
    return {
        "model": found.model.to_json(),
        "n_tokens": found.n_tokens,
        "n_scored": int(found.positions.size),
        "n_characters": found.n_characters,
        "n_bytes": found.n_bytes,
        "context": found.context,
        "stride": found.stride,
        "n_windows": found.n_windows,
        "rule": _rule(found),
        "loss_nats": found.loss_nats,
        "perplexity": found.perplexity,
        "bits_per_character": found.bits_per_character,
        "bits_per_byte": found.bits_per_byte,
        "seconds": found.seconds,
    }


def _print(found: TextLoss) -> None:
    card = found.model
    print(
        _("{model}, {dtype} on {device}: {n_scored:,} of {n:,} tokens scored").format(
            model=card.name,
            dtype=card.dtype,
            device=card.device,
            n_scored=found.positions.size,
            n=found.n_tokens,
        )
    )
    print(_rule(found))
    print(
        _("{loss:.4f} nats a token, perplexity {perplexity:,.2f}").format(
            loss=found.loss_nats, perplexity=found.perplexity
        )
    )
    if found.bits_per_character is not None and found.bits_per_byte is not None:
        print(
            _(
                "{character:.4f} bits a character ({n_characters:,}), {byte:.4f} bits a byte "
                "({n_bytes:,})"
            ).format(
                character=found.bits_per_character,
                n_characters=found.n_characters,
                byte=found.bits_per_byte,
                n_bytes=found.n_bytes,
            )
        )
