"""A question to answer before the page answers it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from kvviz.ui.pages.language_modelling.answered import answered
from kvviz.ui.pages.language_modelling.state import TextState
from kvviz.ui.shell.plain_text import plain, plain_html, shortened

SHOW_ME = "show me"
"""The answer of a person who would rather see it at once."""


def ask(state: TextState, name: str, text: str, choices: Mapping[Any, str]) -> Any:
    """Draw a question, with its choices until it is answered.

    Its container is always there: what stands below keeps its place on the page, or it would be
    there twice for a moment, as it was before the answer and as it is after it.

    Args:
        state: Where answers are kept.
        name: The question's id.
        text: The question, plain text.
        choices: Answer to label, plain text.

    Returns:
        The answer, `SHOW_ME`, or None as long as there is none.
    """
    given = state.answers.get(name)

    def take(answer: Any) -> None:
        state.answers[name] = answer
        state.just_answered = name

    with st.container(key=f"kvviz-ask-{name}", gap="small"):
        st.html(f'<p class="kvviz-ask" data-kvviz="question">{plain_html(text)}</p>')
        # Emptied at once: what is left undrawn would stand there until the drawing is through.
        place = st.empty()
        if given is not None:
            with place.container(key=f"kvviz-answered-{name}"):
                answered(name, just_now=state.just_answered == name)
            return given
        with place.container(horizontal=True, key=f"kvviz-choices-{name}", gap="small"):
            for number, (answer, label) in enumerate(choices.items()):
                st.button(
                    plain(shortened(label, 40)),
                    key=f"lm:{name}:{number}",
                    on_click=take,
                    args=(answer,),
                )
            st.button(
                "Just show me",
                key=f"lm:{name}:show",
                type="tertiary",
                on_click=take,
                args=(SHOW_ME,),
            )
    return None


def verdict(given: Any, right: Any, told: str, name_of: Mapping[Any, str]) -> str:
    """Return the sentence that says what happened, beside what was predicted.

    Args:
        given: The answer, or `SHOW_ME`.
        right: The right one.
        told: What happened, one sentence, plain text.
        name_of: Answer to label.
    """
    if given == SHOW_ME:
        return told
    return f"Right. {told}" if given == right else f"You said {name_of.get(given, given)}. {told}"


def say(sentence: str, name: str) -> None:
    """Draw the sentence that says what happened."""
    st.html(f'<p class="kvviz-told" data-kvviz="{name}">{plain_html(sentence)}</p>')
