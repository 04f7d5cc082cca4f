"""The controls in the sidebar: a text with blanks, and the T5 that fills them in."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from kvviz.errors import (
    ContextLengthError,
    KvvizError,
    ModelFamilyError,
    ModelFilesError,
    ModelNotFoundError,
    NetworkError,
)
from kvviz.lessons import lessons
from kvviz.ui.pages.encoder_decoder.blanks import MOST_BLANKS, as_read, n_blanks
from kvviz.ui.pages.encoder_decoder.settings import LEAST_NEW, MODEL, NEW
from kvviz.ui.parts.model_choice import choose_model, values_for
from kvviz.ui.shell.environment import Environment
from kvviz.ui.shell.errors_shown import show_problems
from kvviz.ui.shell.links import LONGEST_PROMPT, RunSettings
from kvviz.ui.work.model_names import bundled_models, called
from kvviz.ui.work.model_store import model_store

if TYPE_CHECKING:
    from kvviz.engine import LoadedModel

OF_THE_MODEL = (ModelNotFoundError, ModelFilesError, ModelFamilyError, NetworkError)


@dataclass(frozen=True)
class Draft:
    """What the controls say now.

    Attributes:
        settings: What Run would run.
        problems: Sentences on what stands in the way, none if nothing does.
        run: Whether Run was pressed just now.
        line: Where `label_text` draws.
    """

    settings: RunSettings
    problems: tuple[str, ...]
    run: bool
    line: DeltaGenerator


def put(settings: RunSettings) -> None:
    """Set the controls, before they are drawn."""
    for key, value in _values(settings).items():
        st.session_state[key] = value


def say(settings: RunSettings) -> bool:
    """Whether the controls say these settings, and nothing that was typed since."""
    return all(
        st.session_state.get(key, value) == value for key, value in _values(settings).items()
    )


def _values(settings: RunSettings) -> dict[str, object]:
    """Return the key and the value of each control."""
    values: dict[str, object] = {"ed:text": settings.prompt, "ed:new": settings.new}
    return values | values_for("ed:model", "t5", settings.model)


def draw(environment: Environment) -> Draft:
    """Draw the controls and return what they say."""
    model = choose_model("Model", "ed:model", "t5")
    line = st.empty()
    text = st.text_area(
        "Text with blanks",
        key="ed:text",
        height=104,
        label_visibility="collapsed",
        persist_state="session",
        help="Two or more underscores are a blank. The model is asked what belongs there.",
    )
    examples()
    new = st.number_input("New tokens", key="ed:new", step=1, persist_state="session")
    settings = RunSettings(
        model=model, prompt=text or "", new=int(new or 0), device=environment.device
    )
    problems = found_wrong(settings, environment)
    show_problems(problems)
    run = st.button("Run", key="ed:run", type="primary", width="stretch", shortcut="Ctrl+Enter")
    return Draft(settings, problems, run, line)


def examples() -> None:
    """Draw the list of example texts."""

    def take(text: str) -> None:
        st.session_state["ed:text"] = text

    with st.popover("Example texts", width="stretch", key="ed-examples"):
        for number, text in enumerate(lessons().inputs):
            st.button(text.name, key=f"ed:example:{number}", on_click=take, args=(text.text,),
                      width="stretch", help=text.shows)  # fmt: skip


def label_text(draft: Draft) -> None:
    """Draw the text's label with its length in tokens, once the model is there to count them."""
    settings = draft.settings
    model = model_store().peek(settings)
    count = ""
    if model is not None and settings.prompt.strip():
        try:
            n_tokens = len(model.tokenize_whole(as_read(settings.prompt)).token_ids)
            over = " kvviz-over" if n_tokens > model.card.n_ctx else ""
            count = (
                f'<span class="kvviz-count{over}">{n_tokens:,} / {model.card.n_ctx:,} tokens</span>'
            )
        except KvvizError:
            count = ""
    draft.line.html(f'<div class="kvviz-label"><span>Text with blanks</span>{count}</div>')


def found_wrong(settings: RunSettings, environment: Environment) -> tuple[str, ...]:
    """Return a sentence on each control that cannot be run as it is."""
    problems: list[str] = []
    if not settings.model:
        problems.append("Type the name or the folder of a T5.")
    if len(settings.prompt) > LONGEST_PROMPT:
        problems.append(
            f"The text may have {LONGEST_PROMPT:,} characters, and it has {len(settings.prompt):,}."
        )
    if n_blanks(settings.prompt) > MOST_BLANKS:
        problems.append(
            f"A text may have {MOST_BLANKS} blanks, and it has {n_blanks(settings.prompt):,}."
        )
    if not LEAST_NEW <= settings.new <= environment.max_new_tokens:
        problems.append(
            f"New tokens: {LEAST_NEW} to {environment.max_new_tokens:,}, and it is "
            f"{settings.new:,}. With one, no second step would be there to look at."
        )
    return tuple(problems)


def remedy(error: Exception, attempt: RunSettings) -> tuple[str, RunSettings] | None:
    """Return what to try instead of a run that failed, and the words of its button.

    Returns:
        None where only the person can know what to change.
    """
    if isinstance(error, ContextLengthError):
        model = model_store().peek(attempt)
        if model is not None and attempt.new > model.card.n_ctx - 1:
            return f"Generate {NEW} new tokens instead", replace(attempt, new=NEW)
        beginning = beginning_that_fits(attempt.prompt, model) if model is not None else ""
        if beginning:
            return "Read the beginning that fits", replace(attempt, prompt=beginning)
    if isinstance(error, OF_THE_MODEL) and attempt.model != MODEL and MODEL in bundled_models("t5"):
        return f"Run it with {called(MODEL)}", replace(attempt, model=MODEL)
    return None


def beginning_that_fits(text: str, model: LoadedModel) -> str:
    """Return as many whole words of a text, as it was typed, as the encoder has positions for.

    A text without white space is cut between two characters.
    """

    def n_tokens(end: int) -> int:
        return len(model.tokenize_whole(as_read(text[:end])).token_ids)

    ends = [word.end() for word in re.finditer(r"\S+", text)]
    if len(ends) == 1:
        ends = list(range(1, ends[0] + 1))
    n_fitting = bisect_right(ends, model.card.n_ctx, key=n_tokens)
    return text[: ends[n_fitting - 1]] if n_fitting else ""
