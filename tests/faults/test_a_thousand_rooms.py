"""A thousand rooms asked for, and a student who tries everything that only a teacher may."""

import inspect
from collections import Counter

import pytest

from kvviz.errors import RoomError
from kvviz.ui.rooms import Place, Question, Room, RoomStore
from kvviz.ui.rooms.room_store import EMPTY_S, IDLE_S, MOST_ROOMS, N_ENDED
from tests.clock import Clock

N_ASKED = 1000


def test_a_thousand_rooms_asked_for_at_once_leave_those_that_are_open_alone():
    store = RoomStore(Clock())
    first, key = store.open()
    seat, student = first.take_seat(key), first.join()
    said = Counter[str]()
    for _ in range(N_ASKED):
        try:
            store.open()
        except RoomError as error:
            said[str(error)] += 1
    assert said.total() == N_ASKED - (MOST_ROOMS - 1)
    (sentence,) = said
    assert f"{MOST_ROOMS} rooms are open" in sentence
    first.lead(seat, Place("kv_cache", {}))
    assert store.find(first.code) is first
    assert store.find_member(student.key) == (first, student)


def test_a_thousand_rooms_one_after_the_other_are_forgotten():
    clock = Clock()
    store = RoomStore(clock)
    for _ in range(N_ASKED + N_ENDED):
        room, key = store.open()
        room.end(room.take_seat(key))
    assert len(store._ended) == N_ENDED
    store._sweep()
    assert store._rooms == {}


@pytest.mark.parametrize("back_s", [1.0, 3600.0, 1e9])
def test_a_clock_that_is_set_back_ends_no_room_and_keeps_none_for_ever(back_s):
    """Rooms go by a clock that cannot be set; should one do so all the same, nothing is lost."""
    clock = Clock()
    clock.now = 5000.0
    store = RoomStore(clock)
    room, key = store.open()
    seat, member = room.take_seat(key), room.join()
    assert room.n_present == 1
    clock.now -= back_s
    room.hear(member)
    room.hear_teacher(seat)
    assert store.find(room.code) is room
    assert room.n_present == 1
    clock.now += IDLE_S + EMPTY_S
    assert store.has_ended(room.code)


def led(room: Room) -> tuple[object, ...]:
    """Return all that a teacher sets."""
    return (room.place, room.view, room.follows, room.paused, room.gathered, room.version,
            room.redraw, room.ended, room.poll and (room.poll.phase, room.poll.round),
            len(room.past))  # fmt: skip


GIVEN = {
    "place": Place("kv_cache", {}),
    "view": {"step": 0, "layer": 0, "head": 0, "cache": "on", "run": "x", "cell": None},
    "question": Question("q", "?", (("a", "b"),), ()),
    "right": ((0,),),
    "on": True,
}
ACTS = {
    name: [*inspect.signature(act).parameters][2:]
    for name, act in inspect.getmembers(Room, inspect.isfunction)
    if not name.startswith("_") and "seat" in inspect.signature(act).parameters
    and name not in ("is_led_by", "hear_teacher")
}  # fmt: skip
"""Every method that asks for the seat, with what it is given besides: also those to come."""


def test_there_are_acts_to_forge():
    assert {"lead", "look", "pause", "ask", "reveal", "end"} <= set(ACTS)


@pytest.mark.parametrize("name", ACTS)
def test_no_act_of_a_teacher_is_taken_from_a_student(name):
    room, key = RoomStore().open()
    seat, student = room.take_seat(key), room.join()
    room.ask(seat, GIVEN["question"])
    before = led(room)
    for guess in ("", "x", student.key, room.code, key, seat[:-1], seat.upper(), "é", "\ud800"):
        with pytest.raises(RoomError, match="Only this room's teacher"):
            getattr(room, name)(guess, *(GIVEN[one] for one in ACTS[name]))
        assert led(room) == before
    getattr(room, name)(seat, *(GIVEN[one] for one in ACTS[name]))
