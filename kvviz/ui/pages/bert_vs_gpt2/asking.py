"""A question to answer before the page answers it by running the models."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass
from hashlib import sha256

import streamlit as st

from kvviz.lessons import lessons
from kvviz.ui.pages.bert_vs_gpt2.state import PREFIX, TwinsState
from kvviz.ui.shell.plain_text import plain, plain_html


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
                    plain(part.label) or "Your answer",
                    part.options,
                    format_func=plain,
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
    name: str,
    answers: Sequence[str],
    parts: Sequence[Part],
    right: Sequence[Collection[str]],
    /,
    **found: object,
) -> None:
    """Draw in one sentence what came out, whether it was foreseen, and why it is so.

    Args:
        name: Id of the question.
        answers: What `ask` returned.
        parts: Its choices.
        right: For each of them, the answers that turned out right, or what came out instead.
        found: What stands in the braces of what is told.
    """
    question = lessons().question(name)
    n_right = sum(answer in right[i] for i, answer in enumerate(answers))
    # What came out may be none of the answers that were offered.
    outcome = " | ".join(
        " and ".join([option for option in part.options if option in fitting] or fitting)
        for part, fitting in zip(parts, right, strict=True)
    )
    told = f"{judged(answers, parts, right)}{question.told.format(**found)}"
    st.html(
        f'<p class="kvviz-told" data-kvviz="verdict" data-right="{n_right}" '
        f'data-asked="{len(parts)}" data-outcome="{plain_html(outcome)}">{plain_html(told)}</p>'
        f'<p class="kvviz-body">{plain_html(question.why)}</p>'
        f'<p class="kvviz-source">{plain_html(question.source)}</p>'
    )


def judged(answers: Sequence[str], parts: Sequence[Part], right: Sequence[Collection[str]]) -> str:
    """Return what is said of the answers, before it is said what came out."""
    if not answers:
        return ""
    hits = [answer in fitting for answer, fitting in zip(answers, right, strict=True)]
    if all(hits):
        return "Right. "
    if not any(hits):
        return f"You said {' and '.join(answers)}. "
    labels = [[part.label for part, hit in zip(parts, hits, strict=True) if hit is kind]
              for kind in (True, False)]  # fmt: skip
    return f"Right for {' and '.join(labels[0])}, not for {' and '.join(labels[1])}. "
