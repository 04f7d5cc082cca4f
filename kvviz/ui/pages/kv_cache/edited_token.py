"""Your turn: predict which rows change when a token is edited, then see it done."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from kvviz.lessons import lessons
from kvviz.trace import GenerationTrace
from kvviz.ui.parts import cards
from kvviz.ui.parts.run_state import PageState
from kvviz.ui.parts.waiting import finished
from kvviz.ui.shell.environment import Environment
from kvviz.ui.shell.errors_shown import bounded
from kvviz.ui.work import runs
from kvviz.ui.work.jobs import Job
from kvviz.ui.work.model_store import model_store
from kvviz.ui.work.runs import ShownRun

if TYPE_CHECKING:
    from kvviz.engine import LoadedModel

LATEST_POSITION = 4
SPARE_WORDS = ("one", "dog", "red", "big", "the", "no", "is", "her", "two", "a")


@dataclass(frozen=True)
class Edit:
    """A prompt in which one word was replaced so that exactly one token differs.

    Attributes:
        prompt: The edited prompt.
        position: Position of the token that differs.
        word: The word that stands there now.
        n_rows: Tokens of the prompt, before and after.
    """

    prompt: str
    position: int
    word: str
    n_rows: int


def edit(model: LoadedModel, prompt: str) -> Edit | None:
    """Find an edit of one token, not far into the prompt, or None if no word can be swapped."""
    before = np.asarray(model.tokenize(prompt))
    words = prompt.split(" ")
    found: list[Edit] = []
    for number, word in enumerate(words):
        for spare in SPARE_WORDS:
            edited = " ".join([*words[:number], spare, *words[number + 1 :]])
            after = np.asarray(model.tokenize(edited)) if word and word != spare else before
            if after.size == before.size and (after != before).sum() == 1:
                position = int(np.flatnonzero(after != before)[0])
                found.append(Edit(edited, position, spare, before.size))
                break
    wanted = min(LATEST_POSITION, before.size // 2)
    return min(found, key=lambda one: abs(one.position - wanted), default=None)


@st.fragment
@bounded
def draw(state: PageState, environment: Environment) -> None:
    """Draw the question, and after an answer the result of really running the edited prompt."""
    shown = state.shown
    if shown is None:
        return
    model = model_store().peek(shown.settings)
    if "edit" not in state.experiments and model is not None:
        state.experiments["edit"] = edit(model, shown.trace.prompt)
    change: Edit | None = state.experiments.get("edit")
    if shown.origin != "run" or change is None:
        cards.heading("Your turn", "Run a prompt of a few plain words, and a question waits here.")
        return
    question = lessons().question("edited-token")
    ask = question.ask.format(
        position=change.position,
        token=shown.trace.tokens[change.position].strip(),
        word=change.word,
        n_rows=change.n_rows,
    )
    cards.heading("Your turn", ask)

    def given(choice: int) -> None:
        state.experiments["answer"] = choice

    answer = state.experiments.get("answer")
    if answer is None:
        with st.container(horizontal=True, key="kvviz-answers", gap="small"):
            for choice in choices(change):
                label = f"all {choice}" if choice == change.n_rows else str(choice)
                st.button(label, key=f"kv:answer:{choice}", on_click=given, args=(choice,))
        return
    if "changed" not in state.experiments:
        state.experiments["changed"] = measured(state, shown, change, environment)
    reveal(state.experiments["changed"], change, answer)


def choices(change: Edit) -> list[int]:
    """Return the answers to choose from, the right one among them."""
    after = change.n_rows - change.position
    return sorted({0, 1, after, change.n_rows})


def measured(
    state: PageState, shown: ShownRun, change: Edit, environment: Environment
) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Run both prompts and return which rows differ in any bit, shape (n_layers, n_rows)."""

    def work(job: Job) -> tuple[GenerationTrace, GenerationTrace]:
        model = model_store().get(shown.settings)
        once = replace(shown.settings, new=1)
        before = runs.run(model, once, job, both=False)
        after = runs.run(model, replace(once, prompt=change.prompt), job, both=False)
        return before.trace, after.trace

    def unanswered() -> None:
        del state.experiments["answer"]

    before, after = finished(
        Job(work, runs.queue(environment.concurrency)),
        "Running both prompts",
        key="kv:turn",
        on_cancel=unanswered,
    )
    return runs.changed_rows(before, after, change.n_rows)


def reveal(
    changed: np.ndarray[tuple[int, int], np.dtype[np.bool_]], change: Edit, answer: int
) -> None:
    """Draw what was measured, beside what was answered."""
    counts = changed.sum(axis=1)
    right = int(counts[-1])
    verdict = "Right" if answer == right else f"You said {answer}. It is {right}"
    strip = "".join(
        f'<i class="{"kvviz-new" if row else "kvviz-kept"}" title="row {number}"></i>'
        for number, row in enumerate(changed[-1])
    )
    listed = ", ".join(f"{count}" for count in counts)
    st.html(
        f'<p class="kvviz-verdict"><b>{verdict}: {right} of {change.n_rows} rows changed.</b></p>'
        f'<div class="kvviz-strip" role="img" aria-label="{change.n_rows - right} rows kept, '
        f'{right} changed">{strip}</div>'
        f'<p class="kvviz-body">Rows changed in each layer, from the first: {listed}.</p>'
    )
    question = lessons().question("edited-token")
    cards.opening(
        "turn",
        [
            f"Ran “{change.prompt}” and compared the bits of every key and value row "
            "with those of your prompt.",
            question.why,
        ],
        question.source,
    )
