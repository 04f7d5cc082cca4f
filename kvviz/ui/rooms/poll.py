"""A question asked to a room: two rounds of votes, and what may be seen of them.

First everybody votes and nobody sees how. Then the counts are shown without the answer, neighbours
talk it over, and all vote once more: it is the second vote that teaches (Crouch and Mazur 2001,
"Peer instruction: ten years of experience and results", Am. J. Phys. 69, 970).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from kvviz.errors import RoomError
from kvviz.translation import gettext as _

Phase = Literal["voting", "shown", "revealed"]

N_ROUNDS = 2
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""


@dataclass(frozen=True)
class Question:
    """What is asked.

    Attributes:
        id: The same on every page that asks the same about the same.
        text: The question in words, as the teacher reads it.
        choices: The labels of the options of each choice that has to be made.
        labels: What each choice is about; may be empty where there is one.
    """

    id: str
    text: str
    choices: tuple[tuple[str, ...], ...]
    labels: tuple[str, ...]


@dataclass
class Poll:
    """One question and its votes. Who changes it holds the lock of its room.

    Attributes:
        question: What is asked.
        number: Which question of its room it is, from 1 on.
        phase: ``voting`` while votes come in, ``shown`` while their counts can be seen, and
            ``revealed`` once the answer can.
        votes: For each round, the options that each visitor chose, by the visitor's key.
        right: The options that turned out right in each choice, once a page has found them.
        n_shown: Rounds whose counts have been shown.
    """

    question: Question
    number: int
    phase: Phase = "voting"
    votes: list[dict[str, tuple[int, ...]]] = field(default_factory=lambda: [{}])
    right: tuple[tuple[int, ...], ...] | None = None
    n_shown: int = 0

    @property
    def round(self) -> int:
        """Which vote it is, 1 or 2."""
        return len(self.votes)

    @property
    def n_answered(self) -> int:
        """Visitors who have answered in this round."""
        return len(self.votes[-1])

    def cast(self, visitor: str, options: Sequence[int]) -> None:
        """Take in a visitor's vote; a later one takes its place.

        Args:
            visitor: The visitor's key.
            options: The number of an option for each choice.

        Raises:
            RoomError: If no votes are taken now, or there is no such option.
        """
        if self.phase != "voting":
            raise RoomError(
                _("This vote is over."), fix=_("The counts are on the screen of your teacher.")
            )
        choices = self.question.choices
        if len(options) != len(choices) or not all(
            type(one) is int and 0 <= one < len(choice)
            for one, choice in zip(options, choices, strict=True)
        ):
            raise RoomError(_("This is none of the answers that the room was offered."))
        self.votes[-1][visitor] = tuple(options)

    def show(self) -> None:
        """Let the counts of this round be seen, without the answer. It ends the round."""
        if self.phase == "voting":
            self.phase, self.n_shown = "shown", self.round

    def vote_again(self) -> None:
        """Begin the second round, in which the counts of the first are not to be seen.

        Raises:
            RoomError: If there was a second one already, or the answer is known.
        """
        if self.phase == "revealed" or self.round == N_ROUNDS:
            raise RoomError(_("This question was voted on twice, or its answer is known."))
        self.votes.append({})
        self.phase = "voting"

    def reveal(self) -> None:
        """Let the answer be seen by all, with the counts of every round."""
        self.phase, self.n_shown = "revealed", self.round

    def counts(self, number: int) -> tuple[tuple[int, ...], ...]:
        """Return how many chose each option of each choice.

        Args:
            number: Of the round, from 1 on.
        """
        votes = [*self.votes[number - 1].values()]
        return tuple(
            tuple(sum(vote[place] == option for vote in votes) for option in range(len(options)))
            for place, options in enumerate(self.question.choices)
        )

    def seen_rounds(self) -> tuple[int, ...]:
        """Return the rounds whose counts may be seen now."""
        if self.phase == "revealed":
            return tuple(number for number in range(1, self.round + 1) if self.votes[number - 1])
        return (self.round,) if self.phase == "shown" else ()


def counts_as_csv(polls: Iterable[Poll]) -> str:
    """Return the counts of questions that have been shown, a line an option.

    A vote that was not shown is left out, and what is right where it was not revealed. What begins
    as a formula does in a spreadsheet is written as text.
    """
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["question", "choice", "option", "first_vote", "second_vote", "right"])
    for poll in polls:
        rounds = [poll.counts(number) for number in range(1, poll.n_shown + 1)]
        for place, options in enumerate(poll.question.choices):
            label = poll.question.labels[place] if poll.question.labels else ""
            for option, words in enumerate(options):
                given = [counts[place][option] for counts in rounds]
                right = "" if poll.right is None else int(option in poll.right[place])
                row = [*map(_as_text, (poll.question.text, label, words)), given[0]]
                writer.writerow([*row, given[1] if len(given) > 1 else "", right])
    return file.getvalue()


def _as_text(words: str) -> str:
    return f"'{words}" if words.startswith(_FORMULA) else words
