"""Same tokens, and why the logits of the two ways still differ in their last digits."""

from __future__ import annotations

from contextlib import suppress

import streamlit as st

from kvviz.analysis import Agreement, agreement
from kvviz.errors import RunCancelledError
from kvviz.figures import step_cost
from kvviz.lessons import lessons
from kvviz.trace import CacheComparison
from kvviz.ui.parts import chart
from kvviz.ui.parts.experiment import Record, Work
from kvviz.ui.parts.run_state import RunState
from kvviz.ui.shell.errors_shown import bounded
from kvviz.ui.shell.plain_text import plain_html
from kvviz.ui.work import runs
from kvviz.ui.work.jobs import Job
from kvviz.ui.work.model_store import model_store
from kvviz.ui.work.runs import ShownRun

SHRINKS_BY = 2.0**20
"""float64 rounds 2^29 times more finely than float32. A fall of the difference by 2^20 leaves room
for how rounding errors happen to add up, and is still far beyond what any other cause would do."""


@bounded
def draw(state: RunState) -> None:
    """Draw the cost of each step, and the comparison of both ways where both were run."""
    shown = state.shown
    if shown is None:
        return
    left, right = st.columns([3, 2], gap="small")
    with left, st.container(border=True, key="kvviz-card-cost", height="stretch"):
        caption = lessons().caption("step-cost")
        st.html('<div class="kvviz-heading" role="heading" aria-level="3">What each step took</div>'
                f'<p class="kvviz-body">{plain_html(caption.text)}</p>')  # fmt: skip
        chart.draw(
            step_cost(shown.subject).update_layout(height=440),
            f"Time, K/V rows computed and FLOPs of each of {shown.n_steps:,} steps, with the cache "
            "and without, one chart above the other. The player reads them step by step.",
        )
        st.html(f'<p class="kvviz-source">{plain_html(caption.source)}</p>')
    with right, st.container(border=True, key="kvviz-card-difference", height="stretch"):
        both_ways(shown)


@st.fragment
@bounded
def both_ways(shown: ShownRun) -> None:
    """Draw whether both ways chose the same tokens, and how far their logits are apart."""
    comparison = shown.comparison
    if comparison is None:
        st.html('<div class="kvviz-heading" role="heading" aria-level="3">With and without</div>'
                '<p class="kvviz-body">This run was made one way only. Choose “Side by side” in '
                "the player to make the other one and compare.</p>")  # fmt: skip
        return
    caption, found = lessons().caption("not-zero"), agreement(comparison)
    st.html(
        f'<div class="kvviz-heading" role="heading" aria-level="3">{tokens_line(found)}</div>'
        f'<p class="kvviz-body">Largest logit difference <b>{found.max_logit_difference:.1e}</b> '
        f"({found.dtype}), over the whole vocabulary and all steps; the largest is after step "
        f"{found.worst_step}.</p>"
    )
    if not found.same_tokens:
        st.html(f'<p class="kvviz-body">{plain_html(parting(comparison, found))}</p>')
    st.html(
        '<div class="kvviz-heading" role="heading" aria-level="3">Why is it not zero?</div>'
        f'<p class="kvviz-body">{plain_html(caption.text)}</p>'
        f'<p class="kvviz-source">{plain_html(caption.source)}</p>'
    )
    if shown.origin != "run" or comparison.cached.model.dtype == "float64":
        return

    key, record = ("float64-asked", shown.settings), Record.here()
    if key not in record.seen:
        st.button(
            "Run both ways in float64", key="kv:float64", on_click=record.seen.add, args=(key,)
        )
        return
    work = Work("float64", shown.settings, "Running in float64", lambda job: in_float64(shown, job))
    with suppress(RunCancelledError):
        verdict(comparison.max_logit_difference, work.result())


def tokens_line(found: Agreement) -> str:
    """Say whether both ways chose the same tokens."""
    if not found.same_tokens:
        return "The tokens differ"
    return f"Same {found.n_same} tokens both ways" if found.n_same > 1 else "Same token both ways"


def parting(comparison: CacheComparison, found: Agreement) -> str:
    """Say where the tokens of both ways part, and why they may."""
    cached, uncached = comparison.cached, comparison.uncached
    place = cached.n_prompt + found.n_same
    if place >= min(cached.n_tokens, uncached.n_tokens):
        return f"The first {found.n_same:,} tokens are the same; one of the runs went on longer."
    return (
        f"They part at position {place}, chosen after step {found.parts_at}: "
        f"“{cached.tokens[place]}” with the cache, “{uncached.tokens[place]}” without. "
        f"{lessons().caption('tokens-differ').text}"
    )


def in_float64(shown: ShownRun, job: Job) -> CacheComparison:
    """Run both ways in float64, with the weights of the run on screen."""
    model = model_store().get(shown.settings).as_dtype("float64")
    comparison = runs.run(model, shown.settings, job, both=True).comparison
    assert comparison is not None
    return comparison


def verdict(before: float, precise: CacheComparison) -> None:
    """Draw what the run in float64 shows."""
    after = precise.max_logit_difference
    shrank = after == 0.0 or before / after >= SHRINKS_BY
    factor = "" if after == 0.0 else f", {before / after:,.0f} times less"
    caption = lessons().caption("float64-shrank" if shrank else "float64-stayed")
    st.html(
        f'<p class="kvviz-verdict">In float64: <b>{after:.1e}</b>{factor}.</p>'
        f'<p class="kvviz-body">{plain_html(caption.text)}</p>'
    )
