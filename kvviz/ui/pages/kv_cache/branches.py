"""A branch: another token is taken after a step, and the rows up to there are taken over."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from kvviz.lessons import lessons
from kvviz.translation import gettext as _
from kvviz.translation import ngettext
from kvviz.ui.pages.kv_cache import compared_runs
from kvviz.ui.pages.kv_cache.run_tree import RunTree
from kvviz.ui.parts import cards
from kvviz.ui.parts.press import Press
from kvviz.ui.parts.quantity import factor, in_bytes
from kvviz.ui.parts.run_state import RunState
from kvviz.ui.shell.plain_text import plain_html
from kvviz.ui.work.branch_facts import BranchFacts
from kvviz.ui.work.branch_path import MOST_FORKS, MOST_TYPED, Fork
from kvviz.ui.work.keeping import EVERY_ROW
from kvviz.ui.work.model_store import model_store
from kvviz.ui.work.shown_run import ShownRun

TYPED = "kv:typed-over"
"""Key of the field, and beginning of its button's."""


def draw(state: RunState, tree: RunTree) -> None:
    """Draw the card: what the branch on screen took over, how to begin one, and two beside."""
    shown = state.shown
    if shown is None:
        return
    reason = why_not(shown)
    with st.container(border=True, key="kvviz-card-branch"):
        left, right = st.columns([2, 3], gap="medium")
        with left:
            if shown.branch is not None:
                told(shown, shown.branch)
            elif shown.trace.options.cache is not None:
                kept(shown, reason)
            else:
                cards.heading(
                    _("Branch off"),
                    reason
                    or _(
                        "Press another of the likely next tokens in the player: the run goes on "
                        "with it, and takes over the rows up to there."
                    ),
                )
        with right:
            if not reason:
                type_over(state, shown)
                # Where this is, the player's bars can be pressed.
                st.html(f'<div data-kvviz="branches"{_hooks(shown.branch)}></div>')
            with st.container(key="kvviz-compared"):
                compared_runs.draw(shown, tree)


def why_not(shown: ShownRun) -> str:
    """Say why no branch can be taken of a run; nothing where one can."""
    card = shown.trace.model
    if shown.origin != "run":
        return _("A branch is made of a run that was made here. Press Run, and a branch can begin.")
    if shown.settings.cache != EVERY_ROW:
        return _(
            "A branch takes over every row up to its beginning, and this run does not keep every "
            "one as it was written. Choose every row under More, and press Run."
        )
    if card.windows:
        return _(
            "A branch takes over every row up to its beginning, and {model} lets rows go that fall "
            "out of its windows."
        ).format(model=card.name)
    if card.dtype == "float64":
        return _(
            "A branch takes over rows bit for bit, and a record keeps them in float32. Choose that "
            "number format under More, and press Run."
        )
    return ""


def kept(shown: ShownRun, reason: str) -> None:
    """Tell what a way of keeping rows holds, and why no branch is taken of its run."""
    trace = shown.trace
    named, held = trace.options.cache, trace.steps[-1].cache_bytes
    full = in_bytes(trace.model.cache_bytes(trace.n_rows))
    body = _(
        "{cache}, measured after the last of {n:,} rows. The text that it wrote stands beside that "
        "of the run with every row."
    ).format(cache="" if named is None else named.told, n=trace.n_rows)
    cards.heading(_("{bytes} held instead of {full}").format(bytes=in_bytes(held), full=full), body)
    if reason:
        st.html(f'<p class="kvviz-body">{plain_html(reason)}</p>')


def _hooks(facts: BranchFacts | None) -> str:
    if facts is None:
        return ""
    said = {
        "parts-at": facts.parts_at,
        "n-shared": facts.n_shared,
        "n-proven": facts.n_proven,
        "n-computed": facts.n_computed,
        "flops": facts.flops,
        "flops-alone": facts.flops_alone,
        "row-difference": f"{facts.row_difference:.3g}",
        "same-next": int(facts.same_next),
    }
    return "".join(f' data-{name}="{value}"' for name, value in said.items())


def told(shown: ShownRun, facts: BranchFacts) -> None:
    """Tell what a branch took over, what it made, and how that compares with a run from nothing."""
    fork, trace = shown.settings.branch.forks[-1], shown.trace
    heading = ngettext(
        "{n:,} row reused bit for bit, {made:,} written anew",
        "{n:,} rows reused bit for bit, {made:,} written anew",
        facts.n_shared,
    ).format(n=facts.n_shared, made=facts.n_computed)
    saved = facts.flops_alone - facts.flops
    body = _(
        "After step {step} “{token}” was taken instead. The first step of the branch takes "
        "{flops:,.1f} MFLOP; from nothing it would take {alone:,.1f}, {times} as much."
    ).format(
        step=fork.step,
        token=facts.taken[-1].strip(" ").replace("\n", "↵"),
        flops=facts.flops / 1e6,
        alone=facts.flops_alone / 1e6,
        times=factor(facts.flops_alone / facts.flops),
    )
    control = _(
        "The control: one pass over the same tokens from nothing. {equal:,} of {n:,} rows are "
        "equal in every bit; the largest difference of any number is {most:.1e}, in {dtype}."
    ).format(
        equal=facts.n_equal_rows, n=trace.n_rows, most=facts.row_difference, dtype=trace.model.dtype
    )
    cards.heading(heading, body)
    st.html(f'<p class="kvviz-body">{plain_html(control)}</p>')
    caption = lessons().caption("branch")
    lines = [
        caption.text,
        ngettext(
            "{n:,} of {all:,} row taken over has, when it was read last, the fingerprint that the "
            "other run took when it wrote it, keys and values of every layer.",
            "{n:,} of {all:,} rows taken over have, when they were read last, the fingerprints "
            "that the other run took when it wrote them, keys and values of every layer.",
            facts.n_shared,
        ).format(n=facts.n_proven, all=facts.n_shared),
        _("FLOPs saved, by formula: {alone:,} - {flops:,} = {saved:,}.").format(
            alone=facts.flops_alone, flops=facts.flops, saved=saved
        ),
        _("Both find the same token most likely after the last one.")
        if facts.same_next
        else _(
            "After the last token both find another one most likely: two are almost equally "
            "likely, and the last digits differ."
        ),
    ]
    cards.opening("branch", lines, caption.source)


def type_over(state: RunState, shown: ShownRun) -> None:
    """Draw the field in which something else is written over the last tokens of the run."""
    text = st.text_input(
        _("Or go back to a step, and write something else after it"),
        key=TYPED,
        max_chars=400,
        persist_state="session",
        help=_(
            "It begins a new word where the token that it replaces does. Its tokens take the place "
            "of the run’s own from the step in view on."
        ),
    )
    press = Press.draw(_("Branch off at the step in view"), f"{TYPED}:go")
    if not press.take():
        return
    problem = begin_typed(state, shown, text or "")
    if problem:
        state.notes = (problem,)
    st.rerun()


def begin_typed(state: RunState, shown: ShownRun, text: str) -> str:
    """Ask for the branch that goes on with a text; return a sentence where there is none."""
    model, trace, step = model_store().peek(shown.settings), shown.trace, state.view.step
    if model is None or not text.strip():
        return _("Type what is to stand there instead.")
    own = trace.tokens[trace.n_prompt + step]
    if own[:1] == " " and text[:1].isalnum():
        text = f" {text}"
    tokens = model.tokenize(text)
    while tokens and step < len(trace.steps) and tokens[0] == trace.steps[step].chosen_id:
        step += 1
        tokens = tokens[1:]
    if not tokens or step >= len(trace.steps):
        return _("The run itself goes on like this from the step in view.")
    if len(tokens) > MOST_TYPED:
        return _("This takes {n:,} tokens, and {most} can be written over.").format(
            n=len(tokens), most=MOST_TYPED
        )
    return begin(state, shown, Fork(step, tuple(tokens)))


def begin(state: RunState, shown: ShownRun, fork: Fork) -> str:
    """Ask for a branch of the run on screen; return a sentence where there can be none."""
    reason = why_not(shown)
    if reason:
        return reason
    if len(shown.settings.branch) >= MOST_FORKS:
        return _("A branch of a branch goes {most} deep here. Go on from an earlier one.").format(
            most=MOST_FORKS
        )
    state.wanted = replace(shown.settings, branch=shown.settings.branch.then(fork))
    state.coming, state.by_link = replace(state.view, step=0, cell=None), False
    return ""
