"""The controls of the page: the text, and who reads it."""

from __future__ import annotations

from dataclasses import dataclass, replace

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
from kvviz.ui.pages.language_modelling.settings import LONGEST_TEXT, TextSettings
from kvviz.ui.pages.language_modelling.teacher_forcing import SLIDER
from kvviz.ui.parts.model_choice import choose_model, put_model, values_for
from kvviz.ui.shell.environment import Environment
from kvviz.ui.shell.errors_shown import show_problems
from kvviz.ui.shell.plain_text import plain_html
from kvviz.ui.work.model_names import bundled_models, called
from kvviz.ui.work.model_store import model_store

OF_THE_MODEL = (ModelNotFoundError, ModelFilesError, ModelFamilyError, NetworkError)


@dataclass(frozen=True)
class Draft:
    """What the controls say now.

    Attributes:
        settings: What “Read it” would read.
        problems: Sentences on what stands in the way, none if nothing does.
        read: Whether the button was pressed just now.
        line: Where `label_text` draws.
    """

    settings: TextSettings
    problems: tuple[str, ...]
    read: bool
    line: DeltaGenerator


def put(wanted: TextSettings) -> None:
    """Set the controls, before they are drawn."""
    for key, value in _values(wanted).items():
        st.session_state[key] = value


def put_bert(bert: str) -> None:
    """Set who fills in hidden tokens, and leave what is typed."""
    put_model("lm:bert", "bert", bert)


def say(wanted: TextSettings) -> bool:
    """Whether the controls say these settings, and nothing that was typed since."""
    return all(st.session_state.get(key, value) == value for key, value in _values(wanted).items())


def _values(wanted: TextSettings) -> dict[str, object]:
    """Return the key and the value of each control."""
    values: dict[str, object] = {"lm:text": wanted.text}
    return (
        values
        | values_for("lm:model", "gpt2", wanted.model)
        | values_for("lm:bert", "bert", wanted.bert)
    )


def forget_given() -> None:
    """Let the page choose again how many tokens are given to a free run."""
    st.session_state.pop(SLIDER, None)


def draw(environment: Environment) -> Draft:
    """Draw the controls and return what they say."""
    with st.sidebar:
        model = choose_model("Next token", "lm:model", "gpt2")
        bert = choose_model("Hidden tokens", "lm:bert", "bert")
    with st.container(border=True, key="kvviz-card-lm-text"):
        line = st.empty()
        text = st.text_area(
            "Your text",
            key="lm:text",
            height=88,
            label_visibility="collapsed",
            persist_state="session",
        )
        wanted = TextSettings(text or "", model, bert, environment.device)
        problems = found_wrong(wanted)
        show_problems(problems)
        with st.container(horizontal=True, key="kvviz-lm-buttons", gap="small"):
            read = st.button("Read it", key="lm:read", type="primary", shortcut="Ctrl+Enter")
            examples()
    return Draft(wanted, problems, read, line)


def examples() -> None:
    """Draw the list of example texts."""

    def take(text: str) -> None:
        st.session_state["lm:text"] = text

    with st.popover("Example texts", key="lm-examples"):
        for number, text in enumerate(lessons().texts):
            st.button(text.name, key=f"lm:example:{number}", on_click=take, args=(text.text,),
                      width="stretch", help=text.shows)  # fmt: skip


def label_text(draft: Draft) -> None:
    """Draw the text's label with its length in tokens, once the model is there to count them."""
    try:
        words, over = count(draft.settings)
    except KvvizError:
        words, over = "", False
    span = f'<span class="kvviz-count{" kvviz-over" if over else ""}">{plain_html(words)}</span>'
    draft.line.html(f'<div class="kvviz-label"><span>Your text</span>{span if words else ""}</div>')


def count(wanted: TextSettings) -> tuple[str, bool]:
    """Return a text's length beside the room for it, and whether it is too long for a model.

    The room is that of the model that has less, as far as both are loaded. Where they cut the text
    into other tokens, each has its own count.

    Raises:
        KvvizError: If the text is nothing that a model can read.
    """
    model, bert = (model_store().peek(wanted.of(name)) for name in (wanted.model, wanted.bert))
    if model is None:
        return "", False
    n_tokens = model.count_tokens(wanted.text) if wanted.text else 0
    room = model.card.n_ctx
    told = f"{n_tokens:,} / {room:,} tokens"
    if bert is None or bert.card.family != "bert" or not wanted.text.strip() or n_tokens > room:
        return told, n_tokens > room
    special = bert.tokenize_whole(wanted.text).special
    n_read, room_there = int((~special).sum()), bert.card.n_ctx - int(special.sum())
    if n_read != n_tokens:
        told += f", {n_read:,} / {room_there:,} in {called(wanted.bert)}"
    elif room_there < room:
        told = f"{n_tokens:,} / {room_there:,} tokens"
    if n_read > room_there:
        return f"{told}, too long for {called(wanted.bert)}", True
    return told, False


def found_wrong(wanted: TextSettings) -> tuple[str, ...]:
    """Return a sentence on each control that cannot be used as it is."""
    problems: list[str] = []
    if not wanted.model or not wanted.bert:
        problems.append("Type the name or the folder of a model.")
    if len(wanted.text) > LONGEST_TEXT:
        problems.append(
            f"The text may have {LONGEST_TEXT:,} characters, and it has {len(wanted.text):,}."
        )
    return tuple(problems)


def remedy(error: Exception, attempt: TextSettings) -> tuple[str, TextSettings] | None:
    """Return what to try instead of a reading that failed, and the words of its button."""
    if isinstance(error, ContextLengthError):
        cut = beginning_that_fits(attempt)
        if not cut:
            return None
        return "Read the beginning that fits both models", replace(attempt, text=cut)
    usual = TextSettings()
    if isinstance(error, OF_THE_MODEL) and attempt.model != usual.model:
        return f"Read it with {called(usual.model)}", replace(attempt, model=usual.model)
    return None


def bert_remedy(error: Exception, attempt: TextSettings) -> tuple[str, str] | None:
    """Return who fills in hidden tokens instead of a model that cannot, and the button's words."""
    usual = TextSettings.bert
    if not isinstance(error, OF_THE_MODEL) or attempt.bert == usual:
        return None
    if usual not in bundled_models("bert"):
        return None
    return f"Read it with {called(usual)}", usual


def beginning_that_fits(attempt: TextSettings) -> str:
    """Return as many whole words of a text as both models have positions for, as far as loaded."""
    known = [model_store().peek(attempt.of(name)) for name in (attempt.model, attempt.bert)]
    loaded = [model for model in known if model is not None]
    if not loaded:
        return ""
    # BERT puts a mark before the text and one behind it.
    room = min(model.card.n_ctx for model in loaded) - 2
    ends: list[int] = []
    for model in loaded:
        whole = model.tokenize_whole(attempt.text)
        spans = whole.spans[~whole.special]
        ends.append(int(spans[min(room, len(spans)) - 1, 1]) if len(spans) else 0)
    shortest = attempt.text[: max(min(ends), 0)]
    return shortest[: shortest.rfind(" ")] if " " in shortest else shortest
