"""What a browser sends back, changed at will: it is heard, or left unheard in a sentence."""

import asyncio
import json
import math
from functools import cache
from random import Random
from types import SimpleNamespace
from urllib.parse import urlencode

import pytest

from kvviz.errors import LinkError, RoomError
from kvviz.player import fingerprint
from kvviz.ui.pages.bert_vs_gpt2 import patterns
from kvviz.ui.pages.bert_vs_gpt2.payload import Pair
from kvviz.ui.parts import player
from kvviz.ui.parts.told_place import told_place
from kvviz.ui.rooms import Place, Question, RoomStore, room_endpoint
from kvviz.ui.rooms.room import checked_view
from kvviz.ui.rooms.room_endpoint import RoomEndpoint, answer
from kvviz.ui.shell import history
from kvviz.ui.shell.asgi_middleware import RedirectHome
from kvviz.ui.shell.bytes_endpoint import BytesEndpoint
from kvviz.ui.shell.room import membership
from kvviz.ui.work.growing_endpoint import GrowingEndpoint
from kvviz.ui.work.job_endpoint import JobEndpoint
from kvviz.ui.work.run_settings import RunSettings
from kvviz.ui.work.shown_run import ShownRun
from tests.factories import make_encoding, make_trace
from tests.fuzz.cases import REFUSED, any_json, any_text, changed, each, taken

NESTED: list = []
for _ in range(3000):
    NESTED = [NESTED]
LONGEST_LINE = 400


@cache
def shown() -> ShownRun:
    return ShownRun(RunSettings(), make_trace(n_prompt=4, n_new=3))


@cache
def pair() -> Pair:
    return Pair(make_encoding(6, family="gpt2"), make_encoding(6), ("GPT-2", "BERT"), ("", ""))


def of_player() -> dict:
    run = shown()
    (other, *_), step = [one for one in run.trace.steps[1].top_ids if one
                         != run.trace.steps[1].chosen_id], 1  # fmt: skip
    return {
        "id": fingerprint(run.subject),
        "layer": 1,
        "cache": "both",
        "origin": {"layer": 0, "head": 1, "cross": False, "cache": "on"},
        "edit": 2,
        "branch": {"step": step, "token": int(other)},
    }


VIEW = {"step": 1, "layer": 0, "head": 1, "cache": "on", "number": 0,
        "cell": {"query": 4, "key": 1, "cross": False}}  # fmt: skip
TWINS = {"layer": 0, "head": 1, "look": "mask", "view_number": 0,
         "cell": {"query": 4, "key": 1, "which": "right"}}  # fmt: skip
TAUGHT = {"step": 3, "layer": 1, "head": 0, "cache": "on", "run": "abc",
          "cell": {"query": 4, "key": 1, "cross": False}}  # fmt: skip
COMPONENTS = {
    "a view": (VIEW, lambda message: player.checked_view(message, shown())),
    "a request": (of_player(), lambda message: player.checked_request(message, shown())),
    "the twins": (TWINS, lambda message: patterns.checked_view(message, pair())),
    "a place": (
        {"step": 2, "view_number": 0},
        lambda message: told_place(message, "step", 5, 0),
    ),
    "a teacher's view": (TAUGHT, checked_view),
}


def any_message(draw: Random, sound: dict):
    """Return a message that is nearly sound, or no message at all."""
    if draw.random() < 0.01:
        return NESTED
    if draw.random() < 0.1:
        return any_json(draw)
    message = sound
    for _ in range(draw.choice((1, 1, 2))):
        message = changed(draw, message)
    if isinstance(message, dict) and draw.random() < 0.02:
        message = message | {draw.choice(("cell", "origin", "branch", "extra")): NESTED}
    return message


@pytest.mark.parametrize("kind", COMPONENTS)
def test_what_a_component_sends_is_taken_or_refused(kind):
    sound, take = COMPONENTS[kind]
    take(sound)
    n_taken = 0

    def check(draw: Random) -> None:
        nonlocal n_taken
        message = any_message(draw, sound)
        found = taken(lambda: take(message), LinkError, RoomError, longest=LONGEST_LINE)
        if found is REFUSED:
            return
        n_taken += 1
        if kind == "a teacher's view":
            json.dumps(found, ensure_ascii=False, allow_nan=False).encode()

    each(2000, check)
    assert n_taken


def test_a_step_through_the_history_can_be_told_again():
    def check(draw: Random) -> None:
        query = urlencode({"prompt": any_text(draw, 9, surrogates=False)})
        sound = {"when": 12.5, "page": "kv_cache", "query": query}
        step = history.read(any_message(draw, sound))
        if step is None:
            return
        assert math.isfinite(step.when)
        assert step.when == step.when
        urlencode({history.SAYS: f"{step.page} {step.when!r}", **step.parameters}).encode()
        json.dumps([step.page, step.parameters], ensure_ascii=False).encode()

    each(2000, check)


@pytest.fixture
def lesson(monkeypatch):
    """A room, its seat, and a student in it."""
    store = RoomStore()
    monkeypatch.setattr(membership, "room_store", lambda: store)
    monkeypatch.setattr(membership, "st", SimpleNamespace(session_state={}))
    room, key = store.open()
    seat = room.take_seat(key)
    room.lead(seat, Place("kv_cache", {"prompt": "Hi"}))
    room.ask(seat, Question("q", "How many?", (("one", "two"),), ()))
    return SimpleNamespace(store=store, room=room, key=key, seat=seat, member=room.join())


def state_of(room):
    return room.place, room.view, room.follows, room.paused, room.gathered, room.version, room.ended


def test_no_claim_of_a_student_takes_the_seat(lesson, caplog):
    def check(draw: Random) -> None:
        sound = {"code": lesson.room.code, "key": lesson.key[:-1] + draw.choice("AB\ud800é")}
        message = any_message(draw, sound)
        if isinstance(message, dict) and message.get("key") == lesson.key:
            return
        assert not membership.take_back(message)
        assert lesson.room.is_led_by(lesson.seat)

    each(1000, check)
    assert lesson.key[:-1] not in caplog.text


def test_what_a_student_sends_leads_nobody(lesson, caplog):
    """With the key of a tab, any guess of a seat, and any body."""
    before = state_of(lesson.room)

    def check(draw: Random) -> None:
        said = draw.choice((None, "left", "view", "act", "act", "view", "x"))
        message = any_message(draw, TAUGHT) if draw.random() < 0.9 else TAUGHT
        try:
            body = json.dumps(message).encode()
        except RecursionError:
            body = b"[" * 4000
        if said == "act":
            body = json.dumps(
                draw.choice(("free", "gather", "pause", "resume", "x", None))
            ).encode()
        if draw.random() < 0.2:
            body = draw.choice((b"", None, b"\xff", body[:9], draw.randbytes(20)))
        seat = draw.choice(("", lesson.seat[:-1], lesson.key, lesson.member.key, any_text(draw, 9)))
        code, told = answer(lesson.store, lesson.member.key, draw.choice(("GET", "POST")), said,
                            any_text(draw, 30), seat, body)  # fmt: skip
        assert code in (200, 400, 403, 405)
        json.dumps(told, ensure_ascii=False, allow_nan=False).encode()
        assert state_of(lesson.room) == before

    each(2000, check)
    assert lesson.seat[:-1] not in caplog.text


def asked(middleware, loop, scope, body: bytes):
    """Return the code of a middleware's answer, None where it passes the request on."""
    sent = []

    async def served(*_):
        pass

    async def receive():
        return {"type": "http.request", "body": body}

    async def send(message):
        sent.append(message)

    loop.run_until_complete(middleware(served)(scope, receive, send))
    return sent[0]["status"] if sent else None


ENDPOINTS = (JobEndpoint, GrowingEndpoint, RoomEndpoint, BytesEndpoint, RedirectHome)


def test_no_address_is_too_odd_to_be_answered(lesson, monkeypatch):
    monkeypatch.setattr(room_endpoint, "room_store", lambda: lesson.store)
    loop = asyncio.new_event_loop()

    def check(draw: Random) -> None:
        name = draw.choice(("jobs", "rooms", "bytes", "kv_cache", "x"))
        key = draw.choice((lesson.member.key, "a" * 64, "0" * 64, any_text(draw, 20)))
        end = draw.choice(("", "/run", "/cancel", "/aside", "/left", "/view", "/act", ".js", "/"))
        scope = {
            "type": "http",
            "method": draw.choice(("GET", "POST", "HEAD", "OPTIONS", "X")),
            "path": f"/_kvviz/{name}/{key}{end}" if draw.random() < 0.9 else f"/{any_text(draw)}",
            "query_string": draw.choice((b"later", b"since=1&layer=x", b"v=1&was=%ff", b"v=\xff",
                                         b"&=&;", draw.randbytes(12))),
            "root_path": "",
            "headers": [(b"x-kvviz-seat", draw.randbytes(5)), (b"accept-encoding", b"\xff")],
        }  # fmt: skip
        scope["path"] = scope["path"].encode("utf-8", "replace").decode()  # as a server gives it
        for one in ENDPOINTS:
            code = asked(one, loop, scope, draw.randbytes(draw.choice((0, 3, 5000))))
            assert code is None or code < 500

    try:
        each(1000, check)
    finally:
        loop.close()
