"""The question before the other families read: how many times as many bytes a token takes."""

from __future__ import annotations

from kvviz.translation import gettext as _
from kvviz.translation import ngettext
from kvviz.ui.pages.model_sizes.families.at_hand import Decoder
from kvviz.ui.pages.model_sizes.families.reading import Failure, Reading, read
from kvviz.ui.parts.experiment import Choice, Experiment, Verdict, Work
from kvviz.ui.parts.quantity import factor, in_bytes
from kvviz.ui.work.admission import Ask


def experiment(wanted: tuple[Decoder, ...], text: str, *, is_open: bool) -> Experiment:
    """Return the experiment with the largest of the other families; then all of them read.

    Args:
        wanted: The decoders, GPT-2 mini first.
        text: What they read.
        is_open: Whether it is told at once, since a link looks at a place of it.
    """
    first, *rivals = wanted
    asked = max(rivals, key=lambda one: one.n_params)
    what = options(first, asked)
    return Experiment(
        "families-bytes",
        [Choice({times: times for times in what}, meaning=what)],
        lambda found: told(found, asked, what),
        words={"model": asked.title, "times": factor(asked.n_params / first.n_params)},
        about=asked.name,
        work=work(wanted, text),
        is_open=is_open,
    )


def work(wanted: tuple[Decoder, ...], text: str) -> Work:
    """Return the work: every decoder reads the text."""
    return Work(
        "families",
        (text, tuple(one.name for one in wanted)),
        _("Reading the text"),
        lambda job: read(text, wanted, job),
        Ask((text,)),
    )


def options(first: Decoder, asked: Decoder) -> dict[str, str]:
    """Return the answers to choose from, and what each would be, the least first."""
    of_first = first.numbers_per_token()
    ratios = {
        asked.n_layers / first.n_layers: _("as many times the layers"),
        asked.numbers_per_token() / of_first: _("its layers and KV heads"),
        asked.numbers_per_token(shares=False) / of_first: _("a KV head for each query head"),
        asked.n_params / first.n_params: _("as many times the parameters"),
    }
    return {factor(ratio): ratios[ratio] for ratio in sorted(ratios)}


def told(
    found: tuple[Reading | Failure, ...], asked: Decoder, what: dict[str, str]
) -> Verdict | None:
    """Return what was measured; None if one of the two could not read the text."""
    first = found[0]
    one = next((one for one in found if one.decoder == asked), None)
    if not (isinstance(one, Reading) and isinstance(first, Reading)):
        return None
    right = factor(one.bytes_per_token / first.bytes_per_token)
    return Verdict(
        [{right}],
        {
            "model": asked.title,
            "bytes": in_bytes(round(one.bytes_per_token)),
            "times": right,
            "first_bytes": in_bytes(round(first.bytes_per_token)),
        },
        [
            *(_arithmetic(reading) for reading in (first, one)),
            *(
                # Translators: {what} is "its layers and KV heads", "a KV head for each query head".
                _("{size} would be {what}.").format(size=times, what=name)
                for times, name in what.items()
                if times != right
            ),
        ],
        hook="families-verdict",
    )


def _arithmetic(one: Reading) -> str:
    card, n_bytes = one.card, one.cache_bytes[-1]
    layers = ngettext("{n} layer", "{n} layers", card.n_layers).format(n=card.n_layers)
    heads = ngettext("{n} KV head", "{n} KV heads", card.n_kv_heads).format(n=card.n_kv_heads)
    return _(
        "{model}: {layers} × {heads} × {width} numbers × 2 (K and V) × {dtype} = {formula:,} B a "
        "token by formula; measured {measured:,} B for {n} tokens."
    ).format(
        model=one.decoder.title,
        layers=layers,
        heads=heads,
        width=card.d_head,
        dtype=card.dtype,
        formula=card.cache_bytes_per_token,
        measured=n_bytes,
        n=one.n_tokens,
    )
