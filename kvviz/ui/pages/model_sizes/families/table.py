"""What was measured of each decoder, a row each, and by how much it differs from GPT-2 mini."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from kvviz.translation import gettext as _
from kvviz.translation import ngettext
from kvviz.ui.pages.model_sizes.families.reading import Failure, Reading
from kvviz.ui.parts.figure_tag import figure_tag
from kvviz.ui.parts.quantity import factor, in_bytes
from kvviz.ui.shell.plain_text import plain_html


def draw(found: Sequence[Reading | Failure], first: Reading) -> None:
    """Draw the table; what could not read the text says why in its row."""
    names = [
        _("Model"),
        _("Tokens"),
        _("Rows kept"),
        _("Bytes a token"),
        _("Bytes in all"),
        _("Windows"),
        _("With the cache and without"),
    ]
    head = "".join(f'<th scope="col">{plain_html(name)}</th>' for name in names)
    rows = "".join(
        _failed(one, len(names)) if isinstance(one, Failure) else _row(one, first, names)
        for one in found
    )
    st.html(
        figure_tag("measured")
        + f'<table class="kvviz-table" data-kvviz="families"><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )


def _row(one: Reading, first: Reading, names: Sequence[str]) -> str:
    card = one.card
    layers = ngettext("{n} layer", "{n} layers", card.n_layers).format(n=card.n_layers)
    heads = ngettext(
        "{queries} query heads over {n} KV head", "{queries} query heads over {n} KV heads",
        card.n_kv_heads,
    ).format(queries=card.n_heads, n=card.n_kv_heads)  # fmt: skip
    cells = [
        (f"{one.n_tokens:,}", _beside(one.n_tokens, first.n_tokens, one, first)),
        (f"{one.n_rows:,}", _beside(one.n_rows, first.n_rows, one, first)),
        (
            in_bytes(round(one.bytes_per_token)),
            _beside(one.bytes_per_token, first.bytes_per_token, one, first),
        ),
        (
            in_bytes(one.cache_bytes[-1]),
            _beside(one.cache_bytes[-1], first.cache_bytes[-1], one, first),
        ),
        windows(one),
        proof(one),
    ]
    facts = {
        "model": one.decoder.name,
        "n-tokens": one.n_tokens,
        "n-rows": one.n_rows,
        "bytes-per-token": f"{one.bytes_per_token:g}",
        "cache-bytes": one.cache_bytes[-1],
        "n-evicted": sum(life.n_layers * life.n_evicted for life in one.lives),
        "logit-difference": f"{one.difference:.2e}",
        "proven": int(one.is_proven),
    }
    hooks = "".join(f' data-{name}="{plain_html(str(value))}"' for name, value in facts.items())
    shown = "".join(
        f'<td data-label="{plain_html(name)}"><span>{plain_html(text)}'
        f"<small>{plain_html(more)}</small></span></td>"
        for name, (text, more) in zip(names[1:], cells, strict=True)
    )
    return (
        f'<tr{hooks}><th scope="row">{plain_html(one.decoder.title)}'
        f"<small>{plain_html(f'{layers} · {heads}')}</small></th>{shown}</tr>"
    )


def _beside(number: float, of_first: float, one: Reading, first: Reading) -> str:
    """Return how many times as much it is as of the first; nothing for the first itself."""
    return "" if one is first else factor(number / of_first)


def windows(one: Reading) -> tuple[str, str]:
    """Return which layers see a window, and how many rows have fallen out of it."""
    sizes = [size for size in one.card.windows if size]
    if not sizes:
        return _("none"), ""
    said = ngettext(
        "{size:,} positions in {n} of {all} layers",
        "{size:,} positions in {n} of {all} layers",
        len(sizes),
    ).format(size=max(sizes), n=len(sizes), all=one.card.n_layers)
    n = sum(life.n_layers * life.n_evicted for life in one.lives)
    if not n:
        return said, _("this text fits into it")
    return said, ngettext("{n:,} row fell out", "{n:,} rows fell out", n).format(n=n)


def proof(one: Reading) -> tuple[str, str]:
    """Return how far both ways are apart, and what the fingerprints say of reuse."""
    apart = _("logits differ by {difference} at most").format(difference=f"{one.difference:.1e}")
    kept = (
        _("every kept row has the bits it was written with")
        if one.is_proven
        else _("a kept row has changed")
    )
    return apart, kept


def _failed(one: Failure, n_columns: int) -> str:
    title = plain_html(one.decoder.title)
    return (
        f'<tr data-model="{plain_html(one.decoder.name)}"><th scope="row">{title}</th>'
        f'<td colspan="{n_columns - 1}">{plain_html(str(one.error))}</td></tr>'
    )
