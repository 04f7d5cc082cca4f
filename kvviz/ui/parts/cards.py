"""The cards below the player: what the whole run comes to, each figure with its arithmetic."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import streamlit as st

from kvviz.analysis import cache_arithmetic, cache_bytes_unshared, fewer, token_passes
from kvviz.lessons import lessons
from kvviz.translation import gettext as _
from kvviz.translation import ngettext
from kvviz.ui.shell.plain_text import plain_html
from kvviz.ui.work.shown_run import ShownRun

FAR = 1000
"""New tokens of the outlook: far enough to see where it goes."""


def draw(shown: ShownRun, third: Callable[[], None]) -> None:
    """Draw the cards of a run, the third one by what is given."""
    columns = st.columns(3, gap="small")
    for column, name, body in zip(
        columns,
        ("rows", "bytes", "turn"),
        (lambda: fewer_rows(shown), lambda: bytes_per_token(shown), third),
        strict=True,
    ):
        with column, st.container(border=True, key=f"kvviz-card-{name}", height="stretch"):
            body()


def heading(text: str, body: str) -> None:
    """Draw a card's figure and its sentence; both are plain text."""
    st.html(
        f'<div class="kvviz-figure" role="heading" aria-level="3">{plain_html(text)}</div>'
        f'<p class="kvviz-body">{plain_html(body)}</p>'
    )


def opening(key: str, lines: list[str], source: str, *, label: str = "") -> None:
    """Draw the link that opens a figure's arithmetic and source; without a label it says so."""
    with st.popover(label or _("the arithmetic"), type="tertiary", key=f"kvviz-open-{key}"):
        st.html(opened(lines, source))


def opened(lines: Sequence[str], source: str) -> str:
    """Return what such a link opens, as HTML."""
    steps = "".join(f"<li>{plain_html(line)}</li>" for line in lines)
    return (
        f'<ul class="kvviz-arithmetic">{steps}</ul><p class="kvviz-source">{plain_html(source)}</p>'
    )


def fewer_rows(shown: ShownRun) -> None:
    """Draw how many times fewer rows the cache has computed."""
    trace, comparison = shown.trace, shown.comparison
    n_prompt, n_steps = trace.n_prompt, len(trace.steps)
    n_shared = trace.options.n_shared
    with_cache, without = (token_passes(n_prompt, n_steps, use_cache=on) for on in (True, False))
    with_cache -= n_shared
    far_with, far = (token_passes(n_prompt, FAR, use_cache=on) for on in (True, False))
    heading(
        re.sub(r"(?<=\d)x", "×", fewer(with_cache, without, "rows")),
        _(
            "{rows:,} computed instead of {without:,}. With {far:,} new tokens it would be "
            "{times:,.0f}×."
        ).format(rows=with_cache, without=without, far=FAR, times=far / far_with),
    )
    lines = [
        ngettext(
            "With the cache: {prompt:,} in the prefill and {n:,} decode step of 1, together "
            "{rows:,}.",
            "With the cache: {prompt:,} in the prefill and {n:,} decode steps of 1, together "
            "{rows:,}.",
            n_steps - 1,
        ).format(prompt=n_prompt - n_shared, n=n_steps - 1, rows=with_cache),
        *([shared_rows(n_shared)] if n_shared else []),
        ngettext(
            "Without: {prompt:,} in the first step and one more in each of {n:,} step, up to "
            "{most:,}, together {rows:,}.",
            "Without: {prompt:,} in the first step and one more in each of {n:,} steps, up to "
            "{most:,}, together {rows:,}.",
            n_steps,
        ).format(prompt=n_prompt, n=n_steps, most=n_prompt + n_steps - 1, rows=without),
        f"{without:,} / {with_cache:,} = {without / with_cache:.2f}.",
        _("With {far:,} new tokens, by the same formulas: {sum}.").format(
            far=FAR, sum=f"{far:,} / {far_with:,} = {far / far_with:,.1f}"
        ),
    ]
    counted = {run.options.use_cache: sum(step.computed.size for step in run.steps)
               for run in ([trace, comparison.uncached] if comparison else [trace])}  # fmt: skip
    lines += [observed(rows, cached=cached) for cached, rows in counted.items()]
    if False not in counted:
        lines.append(_("The run without the cache was not made, so its rows are by formula."))
    caption = lessons().caption("fewer-rows")
    opening("rows", [*lines, caption.text], caption.source)


def shared_rows(n: int) -> str:
    """Say how many rows came from another run."""
    return ngettext(
        "{n:,} row was taken over from another run, and is not computed with the cache.",
        "{n:,} rows were taken over from another run, and are not computed with the cache.",
        n,
    ).format(n=n)


def observed(rows: int, *, cached: bool) -> str:
    """Say how many rows were counted in a run."""
    if cached:
        found = ngettext(
            "Observed with the cache: {n:,} row.", "Observed with the cache: {n:,} rows.", rows
        )
    else:
        found = ngettext(
            "Observed without the cache: {n:,} row.",
            "Observed without the cache: {n:,} rows.",
            rows,
        )
    return found.format(n=rows)


def bytes_per_token(shown: ShownRun) -> None:
    """Draw what one token takes in the cache, by formula and as measured."""
    card, trace = shown.trace.model, shown.trace
    formula = cache_arithmetic(card)
    measured = trace.steps[-1].cache_bytes
    if measured:
        per_row = measured / trace.n_rows
        named = trace.options.cache
        if named is not None:
            body = _(
                "{formula}, were every row kept as it is. After {n_rows:,} rows {cache} holds "
                "{bytes:,} B of {full:,} B."
            ).format(
                formula=formula,
                n_rows=trace.n_rows,
                cache=named.told,
                bytes=measured,
                full=card.cache_bytes(trace.n_rows),
            )
        elif card.windows:
            body = _(
                "{formula}, as long as every window has room. After {n_rows:,} rows the tensors "
                "hold {bytes:,} B; by formula {counted:,} B, and {plain:,} B without windows."
            ).format(
                formula=formula,
                n_rows=trace.n_rows,
                bytes=measured,
                counted=card.cache_bytes(trace.n_rows),
                plain=cache_bytes_unshared(card, trace.n_rows, groups=True),
            )
        elif per_row == card.cache_bytes_per_token:
            body = _("{formula} = what the tensors really hold.").format(formula=formula)
        else:
            body = _("{formula} = and the tensors hold {bytes:,.0f}.").format(
                formula=formula, bytes=per_row
            )
        lines = [
            _("Measured after the last step: {bytes:,} B in the tensors.").format(bytes=measured),
            ngettext(
                "{bytes:,} B / {n:,} row = {share:,.0f} B.",
                "{bytes:,} B / {n:,} rows = {share:,.0f} B.",
                trace.n_rows,
            ).format(bytes=measured, n=trace.n_rows, share=per_row),
        ]
    else:
        body = _("{formula} = by formula; this run kept no cache.").format(formula=formula)
        lines = [_("This run kept no cache, so there is nothing to measure.")]
    heading(_("{bytes:,} B per token").format(bytes=card.cache_bytes_per_token), body)
    full = card.cache_bytes(card.n_ctx)
    lines = [
        f"{formula} = {card.cache_bytes_per_token:,} B.",
        *lines,
        ngettext(
            "The whole context of {n:,} token would take {size:,.1f} MB.",
            "The whole context of {n:,} tokens would take {size:,.1f} MB.",
            card.n_ctx,
        ).format(n=card.n_ctx, size=full / 1e6),
    ]
    caption = lessons().caption("bytes-per-token")
    opening("bytes", [caption.text, *lines], caption.source)
