"""An experiment asked to the room: its votes, and what may be seen of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import streamlit as st

from kvviz.errors import RoomError
from kvviz.translation import gettext as _
from kvviz.ui.parts.experiment.question import Choice
from kvviz.ui.parts.experiment.record import SHOW_ME, Key, Record
from kvviz.ui.rooms import Poll, Question
from kvviz.ui.shell.plain_text import plain_html
from kvviz.ui.shell.room import membership
from kvviz.ui.shell.room.membership import Membership

_ADOPTED = "kvviz:adopted-votes"
"""The questions of rooms whose answers this session has taken for its own."""


def identity(question: str, about: Hashable, words: Mapping[str, object]) -> str:
    """Return what names an experiment to all pages that ask the same about the same."""
    subject = repr(about) if about != "" else repr(sorted(words.items(), key=lambda one: one[0]))
    return sha256(f"{question} {subject}".encode()).hexdigest()[:20]


@dataclass(frozen=True)
class RoomVote:
    """What the room was asked, on a page that asks just that.

    Attributes:
        mine: This session's part in the room.
        poll: The question and its votes.
        choices: What its answers are chosen from, as this page's reader reads them.
    """

    mine: Membership
    poll: Poll
    choices: Sequence[Choice]

    @classmethod
    def of(cls, identity: str, choices: Sequence[Choice]) -> RoomVote | None:
        """Return the room's vote on an experiment, None where the room is not asked it."""
        mine = membership.here()
        if mine is None or not choices:
            return None
        poll = mine.room.poll
        if poll is None or poll.question.id != identity:
            return None
        # The very same, or a vote could mean something else here.
        offered = tuple(len(choice.options) for choice in choices)
        if offered != tuple(map(len, poll.question.choices)):
            return None
        return cls(mine, poll, choices)

    @property
    def is_open(self) -> bool:
        """Whether the answer is still to be hidden."""
        return self.poll.phase != "revealed"

    @property
    def takes_mine(self) -> bool:
        """Whether this page's reader may vote now."""
        return self.poll.phase == "voting" and not self.mine.teaches

    @property
    def turn(self) -> str:
        """What names this vote among all of the room's."""
        return f"{self.mine.room.code} {self.poll.number} {self.poll.round}"

    def cast(self, answers: tuple[Any, ...]) -> None:
        """Take in what this page's reader answers."""
        options = tuple(
            list(choice.options).index(answer)
            for choice, answer in zip(self.choices, answers, strict=True)
        )
        try:
            self.mine.room.vote(self.mine.member, self.poll.number, options)
        except RoomError as error:
            membership.say(str(error))

    def own_answers(self) -> tuple[Any, ...]:
        """Return what this page's reader voted last, or `SHOW_ME`."""
        options = self.mine.room.answered(self.mine.member, self.poll.number)
        if options is None:
            return SHOW_ME
        return tuple(
            list(choice.options)[option]
            for choice, option in zip(self.choices, options, strict=True)
        )

    def adopt(self, key: Key, on_answer: Callable[[], None] | None) -> None:
        """Make the vote this session's answer, once, now that the answer is known to all."""
        adopted: set[tuple[str, int]] = st.session_state.setdefault(_ADOPTED, set())
        name = self.mine.room.code, self.poll.number
        if name in adopted:
            return
        adopted.add(name)
        record = Record.here()
        record.answer(key, self.own_answers())
        record.seen.add(key)
        # What an answer starts is done once for the class, by who leads it.
        if on_answer is not None and self.mine.teaches:
            on_answer()

    def draw(self, name: str) -> None:
        """Draw what stands below the question as long as the answer is hidden.

        Args:
            name: The question's id.
        """
        poll = self.poll
        answered = _("answered: {n} of {present}").format(
            n=f'<b data-kvviz-room="answered">{poll.n_answered}</b>',
            present=f'<b data-kvviz-room="present">{self.mine.room.n_present}</b>',
        )
        said = [answered if poll.phase == "voting" else _("The vote is over; talk about it.")]
        if poll.round > 1:
            said.insert(0, _("Second vote"))
        own = self.own_answers() if self.takes_mine and self._has_voted() else SHOW_ME
        if own:
            words = "; ".join(
                choice.named([answer]) for choice, answer in zip(self.choices, own, strict=True)
            )
            yours = _("You say {said}; you may change it until the counts are shown.")
            said.insert(0, yours.format(said=f"<b>{plain_html(words)}</b>"))
        facts = f'data-number="{poll.number}" data-round="{poll.round}" data-phase="{poll.phase}"'
        st.html(
            f'<p class="kvviz-body kvviz-vote" data-kvviz="vote" {facts} '
            f'data-own="{int(bool(own))}">{" · ".join(said)}</p>{self.bars()}'
        )
        if self.mine.teaches:
            self._draw_teacher(name)

    def bars(self, right: Sequence[Collection[Any]] | None = None) -> str:
        """Return the counts that may be seen, as HTML: for each option a bar a round.

        Args:
            right: The answers that turned out right in each choice, None while that is hidden.
        """
        rounds = self.poll.seen_rounds()
        if not rounds and (self.poll.phase == "revealed" or not self.mine.teaches):
            return ""
        parts: list[str] = []
        for place, choice in enumerate(self.choices):
            columns = [self.poll.counts(number)[place] for number in rounds]
            most = max([1, *(max(column) for column in columns)])
            rows: list[str] = []
            for option, (answer, label) in enumerate(choice.options.items()):
                is_right = right is not None and answer in right[place]
                lines = "".join(
                    f'<span class="kvviz-votes-{number}"><i style="width:'
                    f'{100 * column[option] / most:.1f}%"></i></span><b>{column[option]}</b>'
                    for number, column in zip(rounds, columns, strict=True)
                )
                mark = f' class="kvviz-vote-right" title="{plain_html(_("what happened"))}"'
                rows.append(
                    f"<li{mark if is_right else ''}><em>{plain_html(label)}</em>"
                    f"<div>{lines}</div></li>"
                )
            about = f'<p class="kvviz-vote-about">{plain_html(choice.label)}</p>'
            label = about if choice.label else ""
            parts.append(f'{label}<ol class="kvviz-votes">{"".join(rows)}</ol>')
        legend = ""
        if len(rounds) > 1:
            words = (_("first vote"), _("second vote"))
            keys = "".join(
                f'<span><i class="kvviz-votes-{number}"></i>{plain_html(words[number - 1])}</span>'
                for number in rounds
            )
            legend = f'<p class="kvviz-votes-legend">{keys}</p>'
        counts = " ".join(
            "|".join(",".join(map(str, one)) for one in self.poll.counts(n)) for n in rounds
        )
        return (
            f'<div class="kvviz-vote-bars" data-kvviz="vote-counts" data-counts="{counts}">'
            f"{''.join(parts)}{legend}</div>"
        )

    def draw_outcome(self, right: Sequence[Collection[Any]] | None, name: str) -> None:
        """Draw the counts beside what really happened, once all may see it.

        Args:
            right: The answers that turned out right in each choice, None where none is told.
            name: The question's id.
        """
        if right is not None and self.mine.teaches:
            options = tuple(
                tuple(n for n, answer in enumerate(choice.options) if answer in fitting)
                for choice, fitting in zip(self.choices, right, strict=True)
            )
            self.mine.room.found(self.mine.seat, options)
        html = self.bars(right)
        if html:
            st.html(html)
        if self.mine.teaches:
            self._button(_("Ask nothing more"), f"vote:{name}:done", self.mine.room.put_aside)

    def _has_voted(self) -> bool:
        return self.mine.member.key in self.poll.votes[-1]

    def _draw_teacher(self, name: str) -> None:
        room, poll = self.mine.room, self.poll
        with st.container(horizontal=True, gap="small"):
            if poll.phase == "voting":
                self._button(_("Show the counts"), f"vote:{name}:show", room.show_counts)
            elif poll.round == 1:
                self._button(_("Vote once more"), f"vote:{name}:again", room.vote_again)
            self._button(_("Reveal what happens"), f"vote:{name}:reveal", room.reveal)
            self._button(_("Withdraw"), f"vote:{name}:done", room.put_aside, kind="tertiary")

    def _button(
        self, label: str, key: str, act: Callable[[str], None], kind: Any = "secondary"
    ) -> None:
        st.button(label, key=key, type=kind, on_click=_trying, args=(act, self.mine.seat))


def offer(name: str, identity: str, text: str, choices: Sequence[Choice]) -> None:
    """Draw the way to ask the room, on the page of who leads one.

    Args:
        name: The question's id.
        identity: What names the experiment to all pages.
        text: The question in words.
        choices: What its answers are chosen from.
    """
    mine = membership.here()
    if mine is None or not mine.teaches or not choices:
        return
    question = Question(
        identity,
        text,
        tuple(tuple(choice.options.values()) for choice in choices),
        tuple(choice.label for choice in choices),
    )
    st.button(
        _("Ask the room"),
        key=f"vote:{name}:ask",
        icon=":material/groups:",
        on_click=_trying,
        args=(lambda seat: mine.room.ask(seat, question), mine.seat),
    )


def _trying(act: Callable[[str], None], seat: str) -> None:
    try:
        act(seat)
    except RoomError as error:
        membership.say(str(error))
