"""The rooms of this process: found by code, bounded in number, ended when nobody leads them."""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import cache
from threading import RLock

from kvviz.errors import RoomElsewhereError, RoomError
from kvviz.translation import gettext as _
from kvviz.ui.rooms.process import ONLY, Process
from kvviz.ui.rooms.room import Member, Room, over
from kvviz.ui.rooms.room_code import LETTERS, N_LETTERS, is_code, normal_code

MOST_ROOMS = 64
IDLE_S = 2 * 3600.0
"""A room ends when its teacher was not heard of for so long."""
EMPTY_S = 15 * 60.0
"""Where all rooms are taken, one that nobody was in for so long makes place for a new one."""
N_ENDED = 1_000
"""Codes of rooms that have ended, to say so."""


class RoomStore:
    """The rooms. Its methods may be called by any thread.

    Attributes:
        lock: Held by whatever changes a room or the store.
        process: Tells this process from one before it: a restart ends all rooms.
        own: Which of several processes it is, and so with what the codes of its rooms begin.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, own: Process = ONLY) -> None:
        self.clock = clock
        self.own = own
        self.lock = RLock()
        self.process = secrets.token_urlsafe(6)
        self._rooms: dict[str, Room] = {}
        self._ended: OrderedDict[str, None] = OrderedDict()

    def open(self) -> tuple[Room, str]:
        """Open a room.

        Returns:
            The room, and the key of its teacher, which nobody else is ever told.

        Raises:
            RoomError: If there are as many as this process keeps.
        """
        with self.lock:
            self._sweep()
            if len(self._rooms) >= MOST_ROOMS:
                self._make_place()
            code = self._new_code()
            room = self._rooms[code] = Room(code, self.clock, self.lock)
            return room, room._key

    def find(self, text: str) -> Room:
        """Return the room of a code, however it was typed.

        Raises:
            RoomElsewhereError: If it would be in another process.
            RoomError: If there is none, or it has ended.
        """
        code = normal_code(text)
        with self.lock:
            self._sweep()
            if code in self._rooms:
                return self._rooms[code]
            if code in self._ended:
                raise over(code)
        if not is_code(code):
            raise RoomError(
                _("A room's code has {n} letters, such as {example}.").format(
                    n=N_LETTERS, example=LETTERS[3 : 3 + N_LETTERS]
                ),
                found=_("This is {text!r}.").format(text=text[:20]),
                fix=_("Type it as your teacher's screen shows it."),
            )
        if not self.own.has(code):
            raise RoomElsewhereError(code)
        raise RoomError(
            _("There is no room {code} here.").format(code=code),
            found=_("It may have ended: rooms end when the app is started again."),
            fix=_("Compare the letters with your teacher's screen, or ask for a new code."),
        )

    def find_member(self, key: str) -> tuple[Room, Member] | None:
        """Return the member of that key and its room, None if there is none by now."""
        with self.lock:
            for room in self._rooms.values():
                if not room.ended and key in room.members:
                    return room, room.members[key]
        return None

    def has_ended(self, code: str) -> bool:
        """Whether a room of that code was here and has ended."""
        with self.lock:
            self._sweep()
            return code in self._ended

    def _new_code(self) -> str:
        while True:
            rest = (secrets.choice(LETTERS) for _letter in range(N_LETTERS - 1))
            code = "".join((secrets.choice(self.own.letters), *rest))
            if code not in self._rooms and code not in self._ended:
                return code

    def _sweep(self) -> None:
        now = self.clock()
        for room in [*self._rooms.values()]:
            if room.ended or now - room.led > IDLE_S:
                self._end(room)

    def _make_place(self) -> None:
        now = self.clock()
        empty = [
            room
            for room in self._rooms.values()
            if now - max([room.led, *(one.heard for one in room.members.values())]) > EMPTY_S
        ]
        if not empty:
            raise RoomError(
                _("There is no place for another room."),
                found=_("{n} rooms are open.").format(n=len(self._rooms)),
                fix=_("Try again when one has ended."),
            )
        self._end(min(empty, key=lambda room: room.led))

    def _end(self, room: Room) -> None:
        room.close()
        self._rooms.pop(room.code, None)
        self._ended[room.code] = None
        while len(self._ended) > N_ENDED:
            self._ended.popitem(last=False)


@cache
def room_store() -> RoomStore:
    """Return the rooms of this process."""
    return RoomStore(own=Process.read())
