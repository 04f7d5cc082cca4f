"""One room: its teacher's seat, those present, where the teacher leads, and the question asked."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import RLock
from typing import Any

from kvviz.errors import RoomError
from kvviz.translation import gettext as _
from kvviz.ui.rooms.poll import Poll, Question

ABSENT_AFTER_S = 8.0
"""Who was not heard of for so long is not present: a tab tells twice a second that it is."""
MOST_PRESENT = 400
MOST_REMEMBERED = 2_000
"""Visitors that a room remembers, present or not: those absent longest are forgotten first."""
COUNTED_EVERY_S = 0.5
N_PAST = 50
"""Questions whose counts are kept until the room ends."""
CACHES = ("on", "off", "both")
LARGEST = 99_999


@dataclass
class Member:
    """A tab in a room.

    Attributes:
        key: By which the tab says that it is there; no other tab can guess it, and it leads
            nobody.
        heard: When it last did.
        follows: Whether its page goes where the teacher's goes.
        teaches: Whether it is the teacher's, which is not counted.
    """

    key: str
    heard: float
    follows: bool = True
    teaches: bool = False


@dataclass(frozen=True)
class Place:
    """Where the teacher leads.

    Attributes:
        page: Url path of the page, empty for the home page.
        query: The query of its address.
    """

    page: str = ""
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Room:
    """One room. Everything that changes it holds its lock, and only the seat's holder leads.

    Attributes:
        code: By which students come in.
        version: Grows with all that its members have to hear of.
        redraw: Grows with what pages have to be drawn anew for.
        gathered: Counts how often all were gathered.
        follows: Whether pages go where the teacher's goes, or everybody is free to look around.
        paused: Whether everybody's page is stopped.
        place: Where the teacher is, None before the first page.
        view: What the teacher's player shows, checked; None where there is none.
        poll: The question that the room was asked last.
        past: Questions before it whose counts have been shown.
        led: When the teacher was last heard of.
    """

    code: str
    clock: Callable[[], float]
    lock: RLock
    version: int = 1
    redraw: int = 0
    gathered: int = 0
    follows: bool = True
    paused: bool = False
    place: Place | None = None
    view: dict[str, Any] | None = None
    poll: Poll | None = None
    past: list[Poll] = field(default_factory=list)
    members: dict[str, Member] = field(default_factory=dict)
    led: float = 0.0
    ended: bool = False
    _key: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    _seat: str = field(default="", repr=False)
    _n_asked: int = 0
    _counted: tuple[float, int] = (-1e9, 0)

    def __post_init__(self) -> None:
        self.led = self.clock()

    # ---- who is there

    def join(self, *, teaches: bool = False) -> Member:
        """Let a visitor in.

        Args:
            teaches: Whether it is the teacher's tab, which always finds room.

        Raises:
            RoomError: If the room is full or has ended.
        """
        with self.lock:
            self._require_open()
            if not teaches and self._count() >= MOST_PRESENT:
                raise RoomError(
                    _("This room is full."),
                    found=_("It holds {n} visitors.").format(n=MOST_PRESENT),
                    fix=_("Look on with a neighbour, or try again when somebody has left."),
                )
            member = Member(secrets.token_urlsafe(16), self.clock(), teaches=teaches)
            self.members[member.key] = member
            while len(self.members) > MOST_REMEMBERED:
                del self.members[min(self.members.values(), key=lambda one: one.heard).key]
            self._counted = (-1e9, 0)
            return member

    def hear(self, member: Member, *, follows: bool = True) -> None:
        """Take in that a member is there."""
        member.heard, member.follows = self.clock(), follows

    def return_as(self, member: Member, before: str) -> None:
        """Take in that a tab was in the room before: what it voted then is this member's vote.

        Without it a page that is loaded anew could vote once more.

        Args:
            member: The tab as it is now.
            before: The key that it had; only the tab itself knows it.
        """
        with self.lock:
            former = self.members.get(before)
            if former is None or former is member or former.teaches or member.teaches:
                return
            del self.members[before]
            for votes in [] if self.poll is None else self.poll.votes:
                if before in votes:
                    votes.setdefault(member.key, votes.pop(before))
                    votes.pop(before, None)
            self._counted = (-1e9, 0)

    def leave(self, member: Member) -> None:
        """Take in that a member has left. What was voted stays counted."""
        with self.lock:
            member.heard = -1e9
            self._counted = (-1e9, 0)

    @property
    def n_present(self) -> int:
        """Visitors who are there, the teacher not counted."""
        with self.lock:
            now = self.clock()
            if not 0 <= now - self._counted[0] < COUNTED_EVERY_S:
                self._counted = now, self._count()
            return self._counted[1]

    def _count(self) -> int:
        since = self.clock() - ABSENT_AFTER_S
        return sum(one.heard >= since and not one.teaches for one in self.members.values())

    # ---- the teacher's seat

    def take_seat(self, key: str) -> str:
        """Take the teacher's seat; who had it before leads no more.

        Args:
            key: The teacher's key.

        Returns:
            What the holder of the seat leads by, until the next one takes it.

        Raises:
            RoomError: If the key is another one, or the room has ended.
        """
        with self.lock:
            self._require_open()
            if not _same(key, self._key):
                raise RoomError(
                    _("This is not the key of this room's teacher."),
                    fix=_("Only the browser that opened a room can lead it."),
                )
            self._seat = secrets.token_urlsafe(32)
            self.led = self.clock()
            self._say()
            return self._seat

    def is_led_by(self, seat: str) -> bool:
        """Whether this is what the holder of the seat leads by."""
        return bool(self._seat) and _same(seat, self._seat) and not self.ended

    def hear_teacher(self, seat: str) -> None:
        """Take in that the teacher is there."""
        if self.is_led_by(seat):
            self.led = self.clock()

    # ---- what the teacher does; each raises a RoomError for everybody else

    def lead(self, seat: str, place: Place) -> None:
        """Lead all who follow to a page."""
        with self._leading(seat):
            if place != self.place:
                if self.place is None or place.page != self.place.page:
                    self.view = None
                self.place = place
                self._say()

    def look(self, seat: str, view: object) -> None:
        """Show all who follow what the teacher's player shows.

        Raises:
            RoomError: If it is no view, or not the teacher's.
        """
        checked = checked_view(view)
        with self._leading(seat):
            if checked != self.view:
                self.view = checked
                self._say()

    def free(self, seat: str) -> None:
        """Let everybody look around."""
        with self._leading(seat):
            self.follows = False
            self._say()

    def gather(self, seat: str) -> None:
        """Have everybody's page go where the teacher's goes, also of those who had let go."""
        with self._leading(seat):
            self.follows, self.gathered = True, self.gathered + 1
            self._say()

    def pause(self, seat: str, on: bool = True) -> None:
        """Stop everybody's page where it is, or let it go on."""
        with self._leading(seat):
            self.paused = on
            self._say()

    def ask(self, seat: str, question: Question) -> None:
        """Ask the room a question."""
        with self._leading(seat):
            self._keep()
            self._n_asked += 1
            self.poll = Poll(question, self._n_asked)
            self._say(redraw=True)

    def show_counts(self, seat: str) -> None:
        """Let the counts of the vote be seen, without the answer."""
        with self._leading(seat):
            self._polled().show()
            self._say(redraw=True)

    def vote_again(self, seat: str) -> None:
        """Let the room vote on the same question once more."""
        with self._leading(seat):
            self._polled().vote_again()
            self._say(redraw=True)

    def reveal(self, seat: str) -> None:
        """Let the answer be seen by all."""
        with self._leading(seat):
            self._polled().reveal()
            self._say(redraw=True)

    @property
    def counted(self) -> list[Poll]:
        """Questions whose counts can be taken home, the one that is still asked among them."""
        last = self.poll
        return self.past if last is None or not last.n_shown else [*self.past, last]

    def found(self, seat: str, right: tuple[tuple[int, ...], ...]) -> None:
        """Take in which options turned out right, for the counts that are taken home."""
        with self._leading(seat):
            poll = self._polled()
            if poll.phase == "revealed":
                poll.right = right

    def put_aside(self, seat: str) -> None:
        """Ask nothing any more; each page is again its reader's own."""
        with self._leading(seat):
            self._keep()
            self._say(redraw=True)

    def end(self, seat: str) -> None:
        """End the room."""
        with self._leading(seat):
            self.close()

    def close(self) -> None:
        """End the room, for its teacher or because nobody came back to it."""
        with self.lock:
            self.ended = True
            self.members.clear()
            self._seat = ""

    # ---- what a student does

    def vote(self, member: Member, number: int, options: tuple[int, ...]) -> None:
        """Take in a vote on the question of that number.

        Raises:
            RoomError: If the room asks something else by now, or takes no votes.
        """
        with self.lock:
            self._require_open()
            if self.poll is None or self.poll.number != number or member.key not in self.members:
                raise RoomError(_("The room is not asked this question any more."))
            self.poll.cast(member.key, options)

    def answered(self, member: Member, number: int) -> tuple[int, ...] | None:
        """Return what a member voted last on a question, None if nothing."""
        with self.lock:
            if self.poll is None or self.poll.number != number:
                return None
            rounds = reversed(self.poll.votes)
            return next((votes[member.key] for votes in rounds if member.key in votes), None)

    def _keep(self) -> None:
        self.past = self.counted[-N_PAST:]
        self.poll = None

    def _polled(self) -> Poll:
        if self.poll is None:
            raise RoomError(_("The room is not asked this question any more."))
        return self.poll

    def _say(self, *, redraw: bool = False) -> None:
        self.version += 1
        self.redraw += redraw

    @contextmanager
    def _leading(self, seat: str) -> Iterator[None]:
        with self.lock:
            if not self.is_led_by(seat):
                raise RoomError(
                    _("Only this room's teacher can do that."),
                    fix=_("If you are the teacher, take the room back in the tab you teach from."),
                )
            self.led = self.clock()
            yield

    def _require_open(self) -> None:
        if self.ended:
            raise over(self.code)


def over(code: str) -> RoomError:
    """Return the error of a room that has ended."""
    return RoomError(
        _("The room {code} has ended.").format(code=code),
        fix=_("Ask your teacher for the code of the new one; this page works on without a room."),
    )


def checked_view(view: object) -> dict[str, Any]:
    """Return a view as the teacher's player tells it, with nothing in it that is none of one.

    Raises:
        RoomError: If it is no view.
    """
    said = view if isinstance(view, Mapping) else {}
    numbers = {name: said.get(name) for name in ("step", "layer", "head")}
    run, cell = said.get("run"), said.get("cell")
    is_view = (
        all(_is_place(number) for number in numbers.values())
        and said.get("cache") in CACHES
        and isinstance(run, str)
        and len(run) <= 100
        and run.isascii()
        and (cell is None or isinstance(cell, Mapping))
    )
    if is_view and isinstance(cell, Mapping):
        cell = {name: cell.get(name) for name in ("query", "key", "cross")}
        is_view = _is_place(cell["query"]) and _is_place(cell["key"])
        is_view = is_view and type(cell["cross"]) is bool
    if not is_view:
        raise RoomError(_("The teacher's page sent something that is no view."))
    return {**numbers, "cache": said["cache"], "run": run, "cell": cell}


def _is_place(number: object) -> bool:
    return type(number) is int and 0 <= number <= LARGEST


def _same(one: str, other: str) -> bool:
    # What a browser sends may hold half of a character.
    return hmac.compare_digest(*(text.encode("utf-8", "surrogatepass") for text in (one, other)))
