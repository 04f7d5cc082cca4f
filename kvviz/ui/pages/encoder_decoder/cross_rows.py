"""The question that the page opens with: what the second cache costs at the next step."""

from __future__ import annotations

import numpy as np
import streamlit as st

from kvviz.lessons import lessons
from kvviz.trace import CrossAttention, GenerationTrace
from kvviz.ui.parts import cards
from kvviz.ui.parts.run_state import PageState
from kvviz.ui.shell.plain_text import plain_html

QUESTION = "cross-rows"
SHOWN = "shown"
"""The answer of a person who would rather see it at once."""


def answered(state: PageState) -> bool:
    """Whether the person has predicted, and has not looked yet."""
    return "answer" in state.experiments and not revealed(state)


def revealed(state: PageState) -> bool:
    """Whether the result stands on the page."""
    done = state.experiments.get("answer") == SHOWN or state.experiments.get("stepped", False)
    return "answer" in state.experiments and done


def looked(state: PageState) -> bool:
    """Take in that a decode step is in view; return whether that reveals the result."""
    if state.view.step < 1 or not answered(state):
        return False
    state.experiments["stepped"] = True
    return True


def draw(state: PageState) -> None:
    """Draw the question, then what to do, then what happened."""
    shown = state.shown
    if shown is None or shown.trace.cross is None or len(shown.trace.steps) < 2:
        return
    trace, cross = shown.trace, shown.trace.cross
    question = lessons().question(QUESTION)
    with st.container(key=f"kvviz-ask-{QUESTION}", gap="small"):
        ask = question.ask.format(n_encoder=cross.n_encoder)
        st.html(f'<p class="kvviz-ask" data-kvviz="question">{plain_html(ask)}</p>')
        if "answer" not in state.experiments:
            choose(state, cross.n_encoder)
        elif not revealed(state):
            said = state.experiments["answer"]
            st.html(
                f'<p class="kvviz-body" data-kvviz="do">You say {said}. Now do it: press → or the '
                "step button in the player, and look at the second cache.</p>"
            )
        else:
            st.html(
                f'<p class="kvviz-told" data-kvviz="told" data-n-cross-computed='
                f'"{trace.steps[1].cross_computed.size}">'
                f"{plain_html(told(trace, state.experiments['answer']))}</p>"
            )
            cards.opening("cross-rows", numbers(trace, cross), question.source)


def choose(state: PageState, n_encoder: int) -> None:
    """Draw the answers to choose from."""

    def given(answer: int | str) -> None:
        state.experiments["answer"] = answer

    with st.container(horizontal=True, key="kvviz-answers", gap="small"):
        for choice in sorted({0, 1, n_encoder, n_encoder + 1}):
            label = f"all {choice}" if choice == n_encoder > 1 else str(choice)
            st.button(label, key=f"ed:answer:{choice}", on_click=given, args=(choice,))
        st.button("Just show me", key="ed:answer:show", type="tertiary", on_click=given,
                  args=(SHOWN,))  # fmt: skip


def told(trace: GenerationTrace, answer: int | str) -> str:
    """Say in one sentence what the second step was seen to do."""
    step = trace.steps[1]
    right = int(step.cross_computed.size)
    verdict = "" if answer == SHOWN else "Right. " if answer == right else f"You said {answer}. "
    n_own = int(step.computed.size)
    return (
        f"{verdict}Step 1 computed {right} cross-attention rows and read all "
        f"{step.cross_reused.size} again; in the decoder's own cache it computed {n_own} and read "
        f"{step.reused.size}. {lessons().question(QUESTION).why}"
    )


def numbers(trace: GenerationTrace, cross: CrossAttention) -> list[str]:
    """Return the counts of the first steps, and what shows that no row changed."""
    same = np.array_equal(cross.written_fingerprints, cross.final_fingerprints)
    n_prints = cross.written_fingerprints.size
    lines = [
        f"Step {step.index}: of its own rows {step.computed.size} computed and "
        f"{step.reused.size} reused; of the cross-attention rows {step.cross_computed.size} "
        f"computed and {step.cross_reused.size} reused."
        for step in trace.steps[:4]
    ]
    lines.append(
        f"A fingerprint of each cross-attention row, K and V of {trace.model.n_layers} layers × "
        f"{cross.n_encoder} tokens, was taken when it was written and again after the last step: "
        + (f"all {n_prints:,} are the same." if same else "they are not all the same.")
    )
    return lines
