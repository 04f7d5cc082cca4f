"""Where the tabs in a room say that they are there, and ask whether something has changed.

They ask here, two times a second, and not through Streamlit: nothing is drawn for it, and an answer
takes some microseconds, so that three hundred may ask.
"""

from __future__ import annotations

import json
import logging
import re
from typing import Any
from urllib.parse import parse_qsl

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from kvviz.errors import RoomError
from kvviz.ui.rooms.room import Member, Room
from kvviz.ui.rooms.room_store import RoomStore, room_store

ADDRESS = "_kvviz/rooms"
"""Below the app's own address; a member's key follows, and for a POST what is said."""
SEAT = b"x-kvviz-seat"
"""Header by which a teacher's page shows that it leads. An address would be written into logs."""

LARGEST_BODY = 4_096
ASK_EVERY_MS = 500
"""Between an answer and the next question, in a class; in a lecture hall a little more."""
A_VISITOR_MS = 2.6

_ASKED = re.compile(rf"/{ADDRESS}/([\w-]{{1,64}})(?:/(left|view|act))?$")
"""Wherever the app is mounted."""

log = logging.getLogger(__name__)


class RoomEndpoint:
    """Answer the tabs in rooms; pass on every other request.

    ``GET …/key?v=12&f=1`` says that a tab is there, follows, and knows version 12 of its room; with
    ``was=`` and a key, that it is the tab that had that key before it was loaded anew. The answer
    holds what changes all the time, and the state of the room where it is a newer one.
    ``POST …/key/left`` says that the tab is being closed. ``POST …/key/view`` says what the
    teacher's player shows, ``POST …/key/act`` what the teacher does with the class, and both are
    refused from everybody else.
    """

    def __init__(self, app: ASGIApp, store: RoomStore | None = None) -> None:
        self._app = app
        self._store = store

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        asked = _ASKED.search(scope["path"]) if scope["type"] == "http" else None
        if asked is None:
            await self._app(scope, receive, send)
            return
        store = self._store or room_store()
        headers = dict(scope.get("headers") or ())
        seat = headers.get(SEAT, b"").decode("latin-1")
        body = (
            await _body(receive)
            if asked[2] in ("view", "act") and scope["method"] == "POST"
            else b""
        )
        query = scope.get("query_string", b"").decode("latin-1")
        code, said = answer(store, asked[1], scope["method"], asked[2], query, seat, body)
        answered = JSONResponse(said, code, {"cache-control": "no-store"})
        await answered(scope, receive, send)


async def _body(receive: Receive) -> bytes | None:
    """Return a request's body, None if it is longer than any view."""
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > LARGEST_BODY:
            return None
        if not message.get("more_body"):
            return body


def answer(
    store: RoomStore,
    key: str,
    method: str,
    said: str | None,
    query: str = "",
    seat: str = "",
    body: bytes | None = b"",
) -> tuple[int, dict[str, Any] | None]:
    """Take in what a tab says and return the answer: its code and what it holds.

    Args:
        store: The rooms.
        key: The tab's.
        method: Of the request.
        said: What follows the key in the address, or None.
        query: Of the address.
        seat: By which a teacher's page leads, empty from a student's.
        body: What a teacher's page says, None where it was too long.
    """
    if method != ("GET" if said is None else "POST"):
        return 405, None
    found = store.find_member(key)
    if found is None:
        # The room has ended, or this process has never heard of it.
        return 200, {"v": 0, "process": store.process}
    room, member = found
    if said == "left":
        room.leave(member)
        return 200, None
    if said is not None:
        return _take(room, seat, said, body)
    known = dict(parse_qsl(query))
    room.hear(member, follows=known.get("f") != "0")
    if "was" in known:
        room.return_as(member, known["was"])
    room.hear_teacher(seat)
    return 200, told(room, member, known.get("v", ""), leads=room.is_led_by(seat))


def told(room: Room, member: Member, known: str, *, leads: bool) -> dict[str, Any]:
    """Return what a tab is told of its room.

    Args:
        room: The room.
        member: The tab.
        known: The version that it knows.
        leads: Whether the tab is the teacher's.
    """
    n_present, poll = room.n_present, room.poll
    brief: dict[str, Any] = {
        "v": room.version,
        "n": n_present,
        "a": 0 if poll is None else poll.n_answered,
        "next": round(ASK_EVERY_MS + max(0, n_present - 50) * A_VISITOR_MS / 2),
    }
    if known == str(room.version):
        return brief
    with room.lock:
        place = room.place
        return brief | {
            "leads": leads,
            "follow": room.follows,
            "gathered": room.gathered,
            "paused": room.paused,
            "redraw": room.redraw,
            "poll": None if poll is None else {"number": poll.number, "phase": poll.phase},
            "page": None if place is None else place.page,
            "query": {} if place is None else dict(place.query),
            "view": room.view,
        }


def _take(room: Room, seat: str, said: str, body: bytes | None) -> tuple[int, None]:
    acts = {
        "free": lambda: room.free(seat),
        "gather": lambda: room.gather(seat),
        "pause": lambda: room.pause(seat),
        "resume": lambda: room.pause(seat, on=False),
    }
    try:
        told = json.loads(body or b"null")
        if said == "view":
            room.look(seat, told)
        elif isinstance(told, str) and told in acts:
            acts[told]()
        else:
            return 400, None
    except (RoomError, ValueError, RecursionError) as error:
        # Never what was sent: it might hold a key.
        log.warning("Left unheard in a room: %s", type(error).__name__)
        return 403, None
    return 200, None
