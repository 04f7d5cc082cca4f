"""An experiment as a page declares it, and the one way in which it is drawn."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from kvviz.errors import RunCancelledError
from kvviz.lessons import lessons
from kvviz.lessons.lesson_files import Question
from kvviz.translation import gettext as _
from kvviz.ui.parts.experiment import verdict as verdicts
from kvviz.ui.parts.experiment.question import Choice, ask, together
from kvviz.ui.parts.experiment.record import SHOW_ME, Given, Key, Record
from kvviz.ui.parts.experiment.room_vote import RoomVote, identity, offer
from kvviz.ui.parts.experiment.verdict import Verdict
from kvviz.ui.parts.experiment.work import Work
from kvviz.ui.shell.asked_first import asked_first, cover
from kvviz.ui.shell.plain_text import plain_html


@dataclass(frozen=True)
class Outcome:
    """What an experiment has come to, once it is told.

    Attributes:
        found: What its work gave, None where there was none to do.
    """

    found: Any = None


@dataclass(frozen=True)
class Experiment:
    """Ask, let predict, do, tell in one sentence with numbers, open the reason.

    Attributes:
        question: Id of the question among the lessons.
        choices: What the answers are chosen from. Without any nothing is asked, and what came out
            is told at once.
        tell: Says what came out, from what the work gave (None where there is none); None if there
            is nothing to tell. Where it is missing the page tells in its own place, by `judge`.
        words: What stands in the question's braces.
        about: What the question is about: another thing, and it is asked anew.
        work: What is done once it is answered; None where what came out is known by then.
        by_hand: What the person is to do, where that is seen on the page itself; the verdict waits
            until the page says `saw`.
        stays: Whether the question stands there when it is answered.
        on_answer: Called when it is answered, before the page is drawn again.
        is_open: Whether it is told from the beginning, as of an example that ships: a page shows
            its point at once. A link with ``ask=1`` has it asked first all the same.
    """

    question: str
    choices: Sequence[Choice]
    tell: Callable[[Any], Verdict | None] | None = None
    words: Mapping[str, object] = field(default_factory=dict)
    about: Hashable = ""
    work: Work | None = None
    by_hand: str = ""
    stays: bool = True
    on_answer: Callable[[], None] | None = None
    is_open: bool = False

    @property
    def key(self) -> Key:
        """Under which it stands in the record."""
        return self.question, self.about

    @property
    def lesson(self) -> Question:
        """The question's words.

        Raises:
            LessonError: If the lessons have no such question.
        """
        return lessons().question(self.question)

    @property
    def asked(self) -> str:
        """The question in words, plain text."""
        return self.lesson.ask.format(**self.words)

    def to_do(self, answers: Sequence[Any]) -> str:
        """Return what is said of answers whose outcome the person is to bring about by hand."""
        said = together(
            choice.named([answer]) for choice, answer in zip(self.choices, answers, strict=True)
        )
        return f"{_('You say {said}.').format(said=said)} {self.by_hand}"

    @property
    def given(self) -> Given | None:
        """What was answered, None before it."""
        if not self.choices:
            return Given(SHOW_ME)
        vote = self.vote
        if vote is not None:
            if vote.is_open:
                return None
            vote.adopt(self.key, self.on_answer)
        return Record.here().given.get(self.key) or (Given(SHOW_ME) if self.stands_open else None)

    @property
    def vote(self) -> RoomVote | None:
        """The room's vote on it, None where the session is in no room or that asks nothing such."""
        return RoomVote.of(self._identity, self.choices)

    @property
    def _identity(self) -> str:
        return identity(self.question, self.about, self.words)

    @property
    def stands_open(self) -> bool:
        """Whether it is told and nobody was asked."""
        return self.is_open and not asked_first() and self.key not in Record.here().given

    @property
    def to_be_seen(self) -> bool:
        """Whether the person has predicted and is now to bring it about."""
        return (
            bool(self.by_hand)
            and self.given is not None
            and self.given.answers != SHOW_ME
            and self.key not in Record.here().seen
        )

    def saw(self) -> bool:
        """Take in that the person has brought it about; return whether that leads to a verdict."""
        if not self.to_be_seen:
            return False
        Record.here().seen.add(self.key)
        return True

    def draw(
        self,
        *,
        picture: Callable[[bool], None] | None = None,
        waiting: DeltaGenerator | None = None,
        room: int = 0,
    ) -> Outcome | None:
        """Draw as much of it as the person has come to.

        Args:
            picture: Draws what stands between the question and the verdict; it is told whether it
                may show what is asked for.
            waiting: Where work under way is drawn; below the question if None.
            room: Height in pixels that is held free below the work under way.

        Returns:
            What it has come to, or None as long as it has not: it is not answered, or its work was
            cancelled.

        Raises:
            Exception: What the work raised.
        """
        given, box = self.ask()
        told = given is not None and not self.to_be_seen
        if self.to_be_seen:
            with box:
                self._draw_by_hand()
        found = None
        if told and self.work is not None:
            try:
                found = self.work.result(waiting if waiting is not None else box, room)
            except RunCancelledError:
                told = False
        if picture is not None:
            picture(told)
        if not told:
            return None
        came_out = None if self.tell is None else self.tell(found)
        if came_out is not None:
            if self.stands_open:
                came_out = replace(came_out, beside=self._offer_to_ask)
            with box if picture is None else nullcontext():
                self.judge(came_out)
        return Outcome(found)

    def ask(self) -> tuple[Given | None, DeltaGenerator]:
        """Draw the question; return what was answered, and the place for what is told of it."""
        if not self.choices:
            return self.given, st.container()
        text, vote, given = self.asked, self.vote, self.given
        if vote is not None and vote.is_open:
            given, box = ask(
                self.key,
                text,
                self.choices,
                given=None,
                vote=vote.cast,
                takes=vote.takes_mine,
                turn=vote.turn,
            )
            with box:
                vote.draw(self.question)
            return given, box
        given, box = ask(
            self.key,
            text,
            self.choices,
            given=given,
            stays=self.stays,
            on_answer=self.on_answer,
        )
        with box:
            if vote is None:
                offer(self.question, self._identity, text, self.choices)
            elif self.tell is None and not vote.mine.teaches:
                # Told in a place of the page's own, and only there where it was done.
                vote.draw_outcome(None, self.question)
        return given, box

    def judge(self, came_out: Verdict, *, alone: bool = False) -> None:
        """Draw what came out, beside what was answered.

        Args:
            came_out: The verdict.
            alone: Whether it is told without a word on the answer, which was about something else.
        """
        given = None if alone else self.given
        answers = SHOW_ME if given is None else given.answers
        verdicts.draw(came_out, self.lesson, self.choices, answers)
        vote = self.vote
        if vote is not None and not vote.is_open:
            vote.draw_outcome(came_out.right, self.question)

    def _offer_to_ask(self) -> None:
        """Draw the way to the covered state, whose address can be given to others."""
        key = f"cover:{self.question}"
        if st.button(_("Cover it and ask me"), key=key, type="tertiary", on_click=cover):
            st.rerun()

    def _draw_by_hand(self) -> None:
        assert self.given is not None
        words = self.to_do(self.given.answers)
        st.html(f'<p class="kvviz-body" data-kvviz="do">{plain_html(words)}</p>')
