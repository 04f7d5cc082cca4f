"""The cards below the player: what the whole run comes to, each figure with its arithmetic."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from kvviz.analysis import cache_arithmetic, fewer, token_passes
from kvviz.lessons import lessons
from kvviz.ui.shell.plain_text import plain_html
from kvviz.ui.work.runs import ShownRun

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


def opening(key: str, lines: list[str], source: str, *, label: str = "the arithmetic") -> None:
    """Draw the link that opens a figure's arithmetic and source."""
    with st.popover(label, type="tertiary", key=f"kvviz-open-{key}"):
        steps = "".join(f"<li>{plain_html(line)}</li>" for line in lines)
        st.html(
            f'<ul class="kvviz-arithmetic">{steps}</ul>'
            f'<p class="kvviz-source">{plain_html(source)}</p>'
        )


def fewer_rows(shown: ShownRun) -> None:
    """Draw how many times fewer rows the cache has computed."""
    trace, comparison = shown.trace, shown.comparison
    n_prompt, n_steps = trace.n_prompt, len(trace.steps)
    with_cache, without = (token_passes(n_prompt, n_steps, use_cache=on) for on in (True, False))
    far_with, far = (token_passes(n_prompt, FAR, use_cache=on) for on in (True, False))
    heading(
        fewer(with_cache, without, "rows").replace("x ", "× "),
        f"{with_cache:,} computed instead of {without:,}. With {FAR:,} new tokens it would be "
        f"{far / far_with:,.0f}×.",
    )
    lines = [
        f"With the cache: {n_prompt:,} in the prefill and {n_steps - 1:,} decode steps of 1, "
        f"together {with_cache:,}.",
        f"Without: {n_prompt:,} in the first step and one more in each of {n_steps:,} steps, up to "
        f"{n_prompt + n_steps - 1:,}, together {without:,}.",
        f"{without:,} / {with_cache:,} = {without / with_cache:.2f}.",
        f"With {FAR:,} new tokens, by the same formulas: {far:,} / {far_with:,} = "
        f"{far / far_with:,.1f}.",
    ]
    counted = {run.options.use_cache: sum(step.computed.size for step in run.steps)
               for run in ([trace, comparison.uncached] if comparison else [trace])}  # fmt: skip
    lines += [
        f"Observed {'with' if cached else 'without'} the cache: {rows:,} rows."
        for cached, rows in counted.items()
    ]
    if False not in counted:
        lines.append("The run without the cache was not made, so its rows are by formula.")
    caption = lessons().caption("fewer-rows")
    opening("rows", [*lines, caption.text], caption.source)


def bytes_per_token(shown: ShownRun) -> None:
    """Draw what one token takes in the cache, by formula and as measured."""
    card, trace = shown.trace.model, shown.trace
    formula = cache_arithmetic(card)
    measured = trace.steps[-1].cache_bytes
    if measured:
        per_row = measured / trace.n_rows
        same = per_row == card.cache_bytes_per_token
        ending = (
            "what the tensors really hold." if same else f"and the tensors hold {per_row:,.0f}."
        )
        lines = [
            f"Measured after the last step: {measured:,} B in the tensors.",
            f"{measured:,} B / {trace.n_rows:,} rows = {per_row:,.0f} B.",
        ]
    else:
        ending = "by formula; this run kept no cache."
        lines = ["This run kept no cache, so there is nothing to measure."]
    heading(f"{card.cache_bytes_per_token:,} B per token", f"{formula} = {ending}")
    full = card.cache_bytes_per_token * card.n_ctx
    lines = [
        f"{formula} = {card.cache_bytes_per_token:,} B.",
        *lines,
        f"The whole context of {card.n_ctx:,} tokens would take {full / 1e6:,.1f} MB.",
    ]
    caption = lessons().caption("bytes-per-token")
    opening("bytes", [caption.text, *lines], caption.source)
