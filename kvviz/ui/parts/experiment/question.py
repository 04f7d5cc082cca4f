"""A question to answer before the page answers it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from kvviz.translation import gettext as _
from kvviz.ui.parts.experiment.answered import answered
from kvviz.ui.parts.experiment.record import SHOW_ME, Given, Key, Record
from kvviz.ui.shell.plain_text import plain, plain_html, shortened

LONGEST_LABEL = 60
"""Of an answer, which may have a visitor's own words in it; all that are ours are shorter."""


@dataclass(frozen=True)
class Choice:
    """What one answer is chosen from.

    Attributes:
        options: Answer to its label, plain text.
        label: What the choice is about, such as a model's name; needed where there are several.
        meaning: What an answer would mean, said of it where it was not right; may lack any.
    """

    options: Mapping[Any, str]
    label: str = ""
    meaning: Mapping[Any, str] = field(default_factory=dict)

    @classmethod
    def of(cls, words: Iterable[str], label: str = "") -> Choice:
        """Return a choice among words that are their own labels."""
        return cls({word: word for word in words}, label)

    def named(self, answers: Collection[Any]) -> str:
        """Return answers in words, those that were offered first; others may have come out."""
        offered = [label for answer, label in self.options.items() if answer in answers]
        return together(offered or [str(answer) for answer in answers])


def together(words: Iterable[str]) -> str:
    """Return words as one phrase.

    Example:
        >>> together(["all", "none"])
        'all and none'
    """
    phrase = ""
    for word in words:
        phrase = _("{first} and {last}").format(first=phrase, last=word) if phrase else word
    return phrase


def ask(
    key: Key,
    text: str,
    choices: Sequence[Choice],
    *,
    given: Given | None,
    stays: bool = True,
    on_answer: Callable[[], None] | None = None,
    vote: Callable[[tuple[Any, ...]], None] | None = None,
    takes: bool = True,
    turn: str = "",
    is_example: bool = False,
) -> tuple[Given | None, DeltaGenerator]:
    """Draw a question, with its choices until it is answered.

    Its container is always there: what stands below keeps its place on the page, or it would be
    there twice for a moment, as it was before the answer and as it is after it.

    Args:
        key: The question's id, and what it is about.
        text: The question, plain text.
        choices: All of them have to be made.
        given: What was answered, None before it.
        stays: Whether the question stands there when it is answered.
        on_answer: Called when it is answered, before the page is drawn again.
        vote: Takes the answers in place of the session's record, where a room is asked.
        takes: Whether answers are taken now.
        turn: Which vote it is: what was chosen in another is not chosen in this.
        is_example: Whether it is of an example that stands open, so that on a telephone it stands
            below its picture.

    Returns:
        What was answered, or None as long as it was not, and the place for what is told of it.
    """
    name = key[0]

    def take(answers: tuple[Any, ...]) -> None:
        Record.here().answer(key, answers)
        if on_answer is not None:
            on_answer()

    # The outer container is there even where a question goes when it is answered.
    with st.container():
        if given is not None and not stays:
            _spot(name, given)
            return given, st.container()
        box = st.container(key=f"kvviz-ask-{name}", gap="small")
    with box:
        offered = ""
        if given is not None and not given.number and len(choices) == 1:
            # Nobody was asked; what the question speaks of is named all the same.
            labels = " · ".join(choices[0].options.values())
            offered = f'<span class="kvviz-offered">{plain_html(labels)}</span>'
        kind = "kvviz-ask kvviz-of-example" if is_example else "kvviz-ask"
        st.html(f'<p class="{kind}" data-kvviz="question">{plain_html(text)}{offered}</p>')
        # Emptied at once: what is left undrawn would stand there until the work is done.
        # Left empty when it is answered: a container in its place would keep the buttons until the
        # work is done.
        place, spot = st.empty(), st.container()
        if given is not None:
            with spot:
                _spot(name, given)
        else:
            if not takes:
                return given, box
            with place.container(
                horizontal=True,
                key=f"kvviz-answers-{name}",
                gap="small" if len(choices) == 1 else "medium",
                vertical_alignment="bottom",
            ):
                _answers(
                    (name, (key[1], turn)) if turn else key,
                    choices,
                    vote or take,
                    may_show=vote is None,
                )
    return given, box


def _spot(name: str, given: Given) -> None:
    if given.number:
        with st.container(key=f"kvviz-answered-{name}"):
            answered(name, given.number)


def _answers(
    key: Key,
    choices: Sequence[Choice],
    take: Callable[[tuple[Any, ...]], None],
    *,
    may_show: bool,
) -> None:
    """Draw a button for each answer, or where several choices are to be made a row for each."""
    name, about = key
    if len(choices) == 1:
        for number, (answer, label) in enumerate(choices[0].options.items()):
            st.button(
                plain(shortened(label, LONGEST_LABEL)),
                key=f"ask:{name}:{number}",
                on_click=take,
                args=((answer,),),
            )
    else:
        digest = sha256(repr(about).encode()).hexdigest()[:10]
        keys = [f"ask:{name}:{number}:{digest}" for number in range(len(choices))]

        def chosen() -> None:
            said = tuple(st.session_state.get(one) for one in keys)
            if None not in said:
                take(said)

        for one, choice in zip(keys, choices, strict=True):
            st.segmented_control(
                plain(choice.label),
                list(choice.options),
                format_func=lambda answer, labels=choice.options: plain(labels[answer]),
                key=one,
                on_change=chosen,
            )
    if not may_show:
        return
    st.button(
        _("Just show me"),
        key=f"ask:{name}:show",
        type="tertiary",
        on_click=take,
        args=(SHOW_ME,),
    )
