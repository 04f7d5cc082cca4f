"""A question to answer before the page answers it by running the models."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass
from hashlib import sha256

import streamlit as st

from kvviz.lessons import lessons
from kvviz.ui.plain_text import plain_html
from kvviz.ui.twins.state import PREFIX, TwinsState


@dataclass(frozen=True)
class Part:
    """One choice of a question.

    Attributes:
        label: What it is about, such as a model's name; may be empty.
        options: Answers to choose from.
    """

    label: str
    options: tuple[str, ...]


def ask(
    state: TwinsState, name: str, about: Hashable, parts: Sequence[Part], /, **words: object
) -> tuple[str, ...] | None:
    """Draw a question and its answers.

    Args:
        state: Remembers what was answered.
        name: Id of the question among the lessons.
        about: What the question is about: another thing, and it is asked anew.
        parts: The choices; all of them have to be made.
        words: What stands in the question's braces.

    Returns:
        The answers, empty if the person asked to be shown, or None as long as there are none.
    """
    key = (name, about)
    digest = sha256(repr(key).encode()).hexdigest()[:10]
    with st.container(key="kvviz-ask-twins", gap="small"):
        text = lessons().question(name).ask.format(**words)
        st.html(f'<p class="kvviz-ask" data-kvviz="question">{plain_html(text)}</p>')
        # Emptied at once: what is left undrawn would stand there until the work is done.
        choices = st.empty()
        if key in state.answers:
            return state.answers[key]
        place = choices.container(
            key="kvviz-answers", horizontal=True, gap="medium", vertical_alignment="bottom"
        )
        chosen: list[str | None] = []
        for number, part in enumerate(parts):
            chosen.append(
                place.segmented_control(
                    part.label or "Your answer",
                    part.options,
                    key=f"{PREFIX}answer:{digest}:{number}",
                    label_visibility="visible" if part.label else "collapsed",
                )
            )
        given = tuple(choice for choice in chosen if choice is not None)

        def show_me() -> None:
            state.answers[key] = ()

        place.button("Show me", key=f"{PREFIX}show:{digest}", type="tertiary", on_click=show_me)
    if len(given) == len(parts):
        state.answers[key] = given
        st.rerun()
    return None


def verdict(
    name: str, answers: Sequence[str], parts: Sequence[Part], right: Sequence[Collection[str]]
) -> None:
    """Draw what was answered beside what came out, and why it is so.

    Args:
        name: Id of the question.
        answers: What `ask` returned.
        parts: Its choices.
        right: For each of them, the answers that turned out right, or what came out instead.
    """
    question = lessons().question(name)
    lines: list[str] = []
    for number, part in enumerate(parts):
        label = f"{plain_html(part.label)}: " if part.label else ""
        # What came out may be none of the answers that were offered.
        best = [option for option in part.options if option in right[number]] or [*right[number]]
        truth = " and ".join(f"<b>{plain_html(option)}</b>" for option in best)
        alike = " alike" if len(best) > 1 else ""
        if not answers:
            lines.append(f"{label}{truth}{alike}")
        elif answers[number] in right[number]:
            lines.append(f"{label}{truth}{alike}, as you said")
        else:
            lines.append(f"{label}{truth}{alike}, not {plain_html(answers[number])}")
    n_right = sum(answer in right[i] for i, answer in enumerate(answers))
    st.html(
        f'<p class="kvviz-told" data-kvviz="verdict" data-right="{n_right}" '
        f'data-asked="{len(parts)}">{" · ".join(lines)}.</p>'
        f'<p class="kvviz-body">{plain_html(question.why)}</p>'
        f'<p class="kvviz-source">{plain_html(question.source)}</p>'
    )
