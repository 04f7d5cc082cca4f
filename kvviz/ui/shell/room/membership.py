"""The room that a session is in, as a student or as its teacher.

A teacher's key is in the session that opened the room and in the storage of that browser, and
nowhere else: not in an address, not in what a page says, not in a log.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import streamlit as st

from kvviz.errors import KvvizError, RoomElsewhereError, RoomError
from kvviz.translation import gettext as _
from kvviz.ui.rooms import Member, Place, Room
from kvviz.ui.rooms.room_code import N_LETTERS, normal_code
from kvviz.ui.rooms.room_store import room_store
from kvviz.ui.shell import history
from kvviz.ui.shell.mode import Mode
from kvviz.ui.shell.room import teacher_key

PARAMETER = "room"
"""Of a link: the code of a room."""

OWN = (PARAMETER, "lang", "present")
"""What an address says of the person who reads it: nobody is led to another one's."""

N_TRIED = 20

_OF_SESSION = "kvviz:room"
_TRIED = "kvviz:room-tried"
"""Codes of rooms that this session was in, or that its address named, the latest last."""
_SAID = "kvviz:room-said"
_FORGET = "kvviz:room-forget"
_ELSEWHERE = "kvviz:room-elsewhere"

log = logging.getLogger(__name__)


@dataclass
class Membership:
    """A session's part in a room.

    Attributes:
        room: The room.
        member: This tab in it.
        seat: By which the teacher's tab leads; empty in a student's.
        key: The teacher's key, kept by the browser so that the room can be taken back.
        invites: Whether the code is to be shown large, once.
    """

    room: Room
    member: Member
    seat: str = ""
    key: str = ""
    invites: bool = False

    @property
    def teaches(self) -> bool:
        """Whether this session leads the room now."""
        return self.room.is_led_by(self.seat)


def here() -> Membership | None:
    """Return this session's part in a room, None where it is in none or the room has ended."""
    mine: Membership | None = st.session_state.get(_OF_SESSION)
    if mine is None:
        return None
    if room_store().has_ended(mine.room.code) or mine.room.ended:
        _leave(forget=mine.room.code)
        say(
            _("The room {code} has ended. This page works on without it.").format(
                code=mine.room.code
            )
        )
        return None
    return mine


def said() -> str:
    """Return the one sentence that there is to say about rooms, empty if there is none."""
    return st.session_state.get(_SAID, "")


def say(sentence: str) -> None:
    """Say a sentence about rooms until something else is done about them."""
    st.session_state[_SAID] = sentence
    st.session_state[_ELSEWHERE] = ""


def elsewhere() -> str:
    """Return the code of a room that was asked for and is in another process; empty if none was.

    A browser that asks for a page with this code in its address is sent there by the proxy before
    the processes.
    """
    return st.session_state.get(_ELSEWHERE, "")


def to_forget() -> str:
    """Return the code of a room whose key the browser need not keep any more, empty if none."""
    return st.session_state.get(_FORGET, "")


def take_from_address() -> None:
    """Enter the room that the address names, once: who leaves it is not led in again.

    The query of a message may be the address that the page had a moment ago.
    """
    step = history.new_step()
    parameters = st.query_params if step is None else step.parameters
    code = normal_code(parameters.get(PARAMETER, ""))
    if not code or code in st.session_state.get(_TRIED, ()):
        return
    _tried(code)
    mine = here()
    if mine is None or mine.room.code != code:
        join(code)


def written() -> dict[str, str]:
    """Return what an address says of the room."""
    mine = here()
    return {} if mine is None else {PARAMETER: mine.room.code}


def join(text: str) -> bool:
    """Enter a room as a student; return whether it was possible, and say why where it was not."""
    return _trying(lambda: _enter(text))


def open_room(teacher: str = "") -> bool:
    """Open a room and lead it; return whether it was possible.

    Args:
        teacher: The teacher's key, where one is needed.
    """

    def act() -> None:
        teacher_key.require(teacher)
        room, key = room_store().open()
        _sit_down(room, key)
        st.session_state[_OF_SESSION].invites = True

    return _trying(act)


def take_back(told: object) -> bool:
    """Take the teacher's seat with what the browser has kept; return whether it was possible.

    Args:
        told: From the browser: the room's code and its teacher's key.
    """
    message = told if isinstance(told, Mapping) else {}
    code, key = message.get("code"), message.get("key")

    def act() -> None:
        if not (isinstance(code, str) and isinstance(key, str)):
            raise RoomError(_("The browser sent something that is no key of a room."))
        _sit_down(room_store().find(code), key)

    mine = here()
    if mine is not None and mine.teaches and mine.room.code == code:
        return True
    done = _trying(act)
    if elsewhere():
        # The key will be needed there.
        return False
    if not done:
        log.warning("A room was not taken back: its key is another one, or it has ended")
        # A code that is none is not worth keeping either.
        st.session_state[_FORGET] = str(code)[:N_LETTERS]
    return done


def leave() -> None:
    """Leave the room."""
    _leave()
    say("")


def end() -> None:
    """End the room, if this session leads it."""
    mine = here()
    if mine is not None and mine.teaches:
        code = mine.room.code
        mine.room.end(mine.seat)
        _leave(forget=code)
        say(_("The room {code} has ended.").format(code=code))


def lead(page: str, parameters: Mapping[str, str]) -> None:
    """Lead the room to an address, if this session leads one.

    Args:
        page: Url path.
        parameters: Its query.
    """
    mine = here()
    if mine is not None and mine.teaches:
        query = {name: text for name, text in parameters.items() if name not in OWN}
        mine.room.lead(mine.seat, Place(page, query))


def _tried(code: str) -> None:
    st.session_state[_TRIED] = (*st.session_state.get(_TRIED, ()), code)[-N_TRIED:]


def _trying(act: Callable[[], None]) -> bool:
    try:
        act()
    except KvvizError as error:
        say(str(error))
        if isinstance(error, RoomElsewhereError):
            st.session_state[_ELSEWHERE] = error.code
        return False
    say("")
    return True


def _enter(text: str) -> None:
    if Mode.read().rooms == "nobody":
        raise teacher_key.rooms_are_off()
    room = room_store().find(text)
    member = room.join()
    _leave()
    st.session_state[_OF_SESSION] = Membership(room, member)
    _tried(room.code)


def _sit_down(room: Room, key: str) -> None:
    seat = room.take_seat(key)
    member = room.join(teaches=True)
    _leave()
    st.session_state[_OF_SESSION] = Membership(room, member, seat, key)
    _tried(room.code)


def _leave(forget: str = "") -> None:
    mine: Membership | None = st.session_state.pop(_OF_SESSION, None)
    st.session_state[_FORGET] = forget
    if mine is not None:
        mine.room.leave(mine.member)
