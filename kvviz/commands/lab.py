"""The command `lab`: what ways of keeping rows cost on a text, each beside its control."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from kvviz.commands import options
from kvviz.commands.text_file import read, tell
from kvviz.errors import OptionsError
from kvviz.translation import gettext as _

if TYPE_CHECKING:
    from kvviz.engine import CacheVerdict, LoadedModel


def declare(parser: argparse.ArgumentParser) -> None:
    """Tell a parser what the command takes."""
    parser.set_defaults(run=_lab)
    options.add_model(parser)
    parser.add_argument(
        "--cache",
        action="append",
        required=True,
        metavar="NAME:ROWS",
        help=_(
            "window:60+4 (last rows + sinks), heavy:64, least:64, observed:64, random:64+4, full, "
            "quantised:4/2 (bits of keys and values), low-rank:96/64 (numbers of each), latent:128,"
            " paged:16 (positions of a block); rows for each layer as 64/64/16, settings as "
            "heavy:64,recent=0.25; may be repeated"
        ),
    )
    parser.add_argument(
        "--control", action="store_true", help=_("judge random rows of the same budget too")
    )
    parser.add_argument(
        "--text", required=True, metavar="FILE", help=_("text to judge by, - for standard input")
    )
    parser.add_argument("--tokens", type=int, help=_("take only so many tokens of it"))
    parser.add_argument(
        "--prompt-tokens", type=int, default=1, help=_("tokens that are read at once (default 1)")
    )
    parser.add_argument(
        "--first", type=int, help=_("first position that is scored (default: after the prompt)")
    )
    options.add_device_and_dtype(parser)
    parser.add_argument("--json", action="store_true", help=_("print one JSON object"))


def _lab(arguments: argparse.Namespace) -> None:
    from kvviz.engine import judge_all
    from kvviz.engine.caches.cache_words import cache_of, control_of

    wanted = [(text, cache_of(text)) for text in arguments.cache]
    text = read(arguments.text)
    if arguments.tokens is not None and arguments.tokens < 2:
        raise OptionsError(
            _("A text to judge by has 2 tokens or more."),
            found=_("Found {found}.").format(found=arguments.tokens),
            fix=_("Raise --tokens."),
        )
    model = options.model_of(arguments)
    ids = [*model.first_ids, *model.tokenize(text)][: arguments.tokens]
    for name, cache in wanted:
        _check_budget(name, cache, len(ids), arguments.prompt_tokens)
    if arguments.control:
        controls = [(name, control_of(cache)) for name, cache in wanted]
        known: set[object] = {cache for _name, cache in wanted}
        for name, control in controls:
            if control is not None and control not in known:
                known.add(control)
                wanted.append((_("control of {name}").format(name=name), control))
    verdicts = judge_all(
        model,
        ids,
        [cache for _name, cache in wanted],
        n_prompt=arguments.prompt_tokens,
        first=arguments.first,
        progress=tell,
    )
    named = list(zip([name for name, _cache in wanted], verdicts, strict=True))
    if arguments.json:
        print(json.dumps(_facts(model, len(ids), named)))
    else:
        _print_table(model, len(ids), named)


def _check_budget(name: str, cache: Any, n_tokens: int, n_prompt: int) -> None:
    """Refuse a budget with which nothing could go.

    Raises:
        OptionsError: If it is more than there are rows to choose from.
    """
    from kvviz.engine.caches.budget import largest

    of_prompt = cache.name == "observed" or getattr(cache, "once", False)
    n_rows = n_prompt if of_prompt else n_tokens
    budget = getattr(cache, "budget", None)
    most = cache.size + cache.sinks if cache.name == "window" else largest(budget or 1.0)
    if most > n_rows:
        what = _("The budget of {name} is above the text.")
        if of_prompt:
            what = _("The budget of {name} is above the prompt, whose rows it keeps.")
        raise OptionsError(
            what.format(name=name),
            found=_("It allows {most:,} rows, and there are {n:,}.").format(most=most, n=n_rows),
            fix=_("Lower it, raise --prompt-tokens, or give a longer text.")
            if of_prompt
            else _("Lower it, or give a longer text."),
        )


def _facts(
    model: LoadedModel, n_tokens: int, named: list[tuple[str, CacheVerdict]]
) -> dict[str, Any]:
    from kvviz.engine.caches.choice import named_cache

    full = named[0][1]
    return {
        "model": model.card.to_json(),
        "n_tokens": n_tokens,
        "n_scored": int(full.positions.size),
        "full_loss_nats": full.full_loss_nats,
        "full_cache_bytes": full.full_cache_bytes,
        "caches": [
            {
                "asked": name,
                "cache": said.to_json() if (said := named_cache(one.cache)) else one.cache.name,
                "loss_nats": one.loss_nats,
                "loss_difference_nats": one.loss_nats - one.full_loss_nats,
                "kl_nats": one.kl_nats,
                "same_argmax": one.same_argmax,
                "cache_bytes": one.cache_bytes,
                "seconds": one.seconds,
            }
            for name, one in named
        ],
    }


def _print_table(model: LoadedModel, n_tokens: int, named: list[tuple[str, CacheVerdict]]) -> None:
    full = named[0][1]
    print(
        _("{model}: {n_scored:,} of {n:,} tokens scored; every row kept: {loss:.4f} nats").format(
            model=model.card.name,
            n_scored=full.positions.size,
            n=n_tokens,
            loss=full.full_loss_nats,
        )
    )
    width = max(len(name) for name, _one in named)
    loss, more, kl, same = _("loss"), _("more"), _("KL"), _("same")
    print(f"{'':<{width}}{loss:>10}{more:>10}{kl:>10}{same:>7}{'kB':>10}{'s':>8}")
    for name, one in named:
        more_nats = one.loss_nats - one.full_loss_nats
        print(
            f"{name:<{width}}{one.loss_nats:>10.4f}{more_nats:>+10.4f}{one.kl_nats:>10.4f}"
            f"{one.same_argmax:>7.0%}{one.cache_bytes / 1e3:>10.1f}{one.seconds:>8.2f}"
        )
