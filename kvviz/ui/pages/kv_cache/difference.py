"""Same tokens, and why the logits of the two ways still differ in their last digits."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import streamlit as st

from kvviz.analysis import Agreement, agreement
from kvviz.errors import RunCancelledError
from kvviz.figures import step_cost
from kvviz.lessons import lessons
from kvviz.trace import CacheComparison
from kvviz.translation import gettext as _
from kvviz.translation import ngettext
from kvviz.ui.parts import chart, float64_check
from kvviz.ui.parts.card_texts import body, head, heading, source
from kvviz.ui.parts.experiment import Record, Work
from kvviz.ui.parts.run_state import RunState
from kvviz.ui.shell.errors_shown import bounded
from kvviz.ui.work import runs
from kvviz.ui.work.admission import Ask
from kvviz.ui.work.jobs import Job
from kvviz.ui.work.keeping import EVERY_ROW
from kvviz.ui.work.model_store import model_store
from kvviz.ui.work.shared_drawings import shared_drawings
from kvviz.ui.work.shown_run import ShownRun


@bounded
def draw(state: RunState) -> None:
    """Draw the cost of each step, and the comparison of both ways where both were run."""
    shown = state.shown
    if shown is None:
        return
    left, right = st.columns([3, 2], gap="small")
    with left, st.container(border=True, key="kvviz-card-cost", height="stretch"):
        caption = lessons().caption("step-cost")
        head(_("What each step took"), caption.text)
        chart.draw(
            shared_drawings.of(
                shown,
                "step-cost",
                lambda: chart.on_card(step_cost(shown.subject), height=440),
            ),
            ngettext(
                "Time, K/V rows computed and FLOPs of {n:,} step, with the cache and without, one "
                "chart above the other. The player reads them step by step.",
                "Time, K/V rows computed and FLOPs of each of {n:,} steps, with the cache and "
                "without, one chart above the other. The player reads them step by step.",
                shown.n_steps,
            ).format(n=shown.n_steps),
            tags=[shown.observed, "counted"],
        )
        st.html(source(caption.source))
    with right, st.container(border=True, key="kvviz-card-difference", height="stretch"):
        both_ways(shown)


@st.fragment
@bounded
def both_ways(shown: ShownRun) -> None:
    """Draw whether both ways chose the same tokens, and how far their logits are apart."""
    comparison = shown.comparison
    if comparison is None:
        one_way = (
            _(
                "This run was made one way only. Choose “Side by side” in the player to make the "
                "other one and compare."
            )
            if shown.settings.cache == EVERY_ROW
            else _(
                "A run that keeps its rows in a way of its own is not made without the cache. How "
                "its text parts from that of the run with every row stands above."
            )
        )
        head(_("With and without"), one_way)
        return
    caption, found = lessons().caption("not-zero"), agreement(comparison)
    largest = _(
        "Largest logit difference {difference} ({dtype}), over the whole vocabulary and all steps; "
        "the largest is after step {step}."
    ).format(
        difference=f"<b>{found.max_logit_difference:.1e}</b>",
        dtype=found.dtype,
        step=found.worst_step,
    )
    st.html(f'{heading(tokens_line(found))}<p class="kvviz-body">{largest}</p>')
    if not found.same_tokens:
        st.html(body(parting(comparison, found)))
    st.html(heading(_("Why is it not zero?")) + body(caption.text) + source(caption.source))
    if shown.origin != "run" or comparison.cached.model.dtype == "float64":
        return

    key, record = ("float64-asked", shown.settings), Record.here()
    if key not in record.seen:
        st.button(
            _("Run both ways in float64"), key="kv:float64", on_click=record.seen.add, args=(key,)
        )
        return
    work = Work(
        "float64",
        shown.settings,
        _("Running in float64"),
        lambda job: in_float64(shown, job),
        Ask((shown.settings.typed,), shown.trace.options.max_new_tokens),
    )
    with suppress(RunCancelledError):
        float64_check.verdict(comparison.max_logit_difference, work.result().max_logit_difference)


def tokens_line(found: Agreement) -> str:
    """Say whether both ways chose the same tokens."""
    if not found.same_tokens:
        return _("The tokens differ")
    n = found.n_same
    return ngettext("Same token both ways", "Same {n} tokens both ways", n).format(n=n)


def parting(comparison: CacheComparison, found: Agreement) -> str:
    """Say where the tokens of both ways part, and why they may."""
    cached, uncached = comparison.cached, comparison.uncached
    place = cached.n_prompt + found.n_same
    if place >= min(cached.n_tokens, uncached.n_tokens):
        return ngettext(
            "The first token is the same; one of the runs went on longer.",
            "The first {n:,} tokens are the same; one of the runs went on longer.",
            found.n_same,
        ).format(n=found.n_same)
    where = _(
        "They part at position {place}, chosen after step {step}: “{cached}” with the cache, "
        "“{uncached}” without."
    ).format(
        place=place,
        step=found.parts_at,
        cached=cached.tokens[place],
        uncached=uncached.tokens[place],
    )
    return f"{where} {lessons().caption('tokens-differ').text}"


def in_float64(shown: ShownRun, job: Job) -> CacheComparison:
    """Run both ways in float64, with the weights of the run on screen."""
    model = model_store().get(shown.settings).as_dtype("float64")
    settings = replace(shown.settings, new=shown.trace.options.max_new_tokens)
    comparison = runs.run(model, settings, job, both=True, prompt=shown.asked_again).comparison
    assert comparison is not None
    return comparison
