"""What holds in a room whatever its teacher and its visitors do, and in whatever order."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kvviz.errors import RoomError
from kvviz.ui.rooms import Place, Question, RoomStore
from kvviz.ui.rooms.room import ABSENT_AFTER_S
from kvviz.ui.rooms.room_endpoint import answer

VISITORS = st.integers(0, 4)
ACTIONS = st.one_of(
    st.tuples(st.just("join"), VISITORS),
    st.tuples(st.just("beat"), VISITORS),
    st.tuples(st.just("leave"), VISITORS),
    st.tuples(st.just("vote"), VISITORS, st.integers(-1, 3)),
    st.tuples(st.just("forge"), VISITORS, st.integers(0, 8)),
    st.tuples(st.just("lead"), st.integers(0, 8)),
    st.tuples(st.just("wait"), st.floats(0.1, 20)),
)


class Told:
    """What can be seen of all that a teacher sets."""

    def __init__(self, room):
        poll = room.poll
        self.all = (room.place, room.view, room.follows, room.paused, room.gathered, room.version,
                    poll and (poll.number, poll.phase, poll.round, poll.right))  # fmt: skip


def leads(room, seat, number):
    """Do one of the things that only a teacher may."""
    acts = (
        lambda: room.lead(seat, Place("kv_cache", {"prompt": "x"})),
        lambda: room.free(seat),
        lambda: room.gather(seat),
        lambda: room.pause(seat, not room.paused),
        lambda: room.ask(seat, Question("q", "?", (("a", "b", "c"),), ())),
        lambda: room.show_counts(seat),
        lambda: room.vote_again(seat),
        lambda: room.reveal(seat),
        lambda: room.put_aside(seat),
    )
    acts[number]()


@settings(deadline=None)
@given(st.lists(ACTIONS, max_size=60))
def test_a_room_keeps_its_laws(actions):
    now = [0.0]
    store = RoomStore(lambda: now[0])
    room, key = store.open()
    seat = room.take_seat(key)
    members, heard, voted = {}, {}, {}
    version = room.version
    for name, who, *more in actions:
        before = Told(room).all
        if name == "join":
            members[who], heard[who] = room.join(), now[0]
        elif name == "beat" and who in members:
            answer(store, members[who].key, "GET", None)
            heard[who] = now[0]
        elif name == "leave" and who in members:
            answer(store, members[who].key, "POST", "left")
            heard[who] = -1e9
        elif name == "vote" and who in members and room.poll:
            poll, may = room.poll, room.poll.phase == "voting" and 0 <= more[0] < 3
            try:
                room.vote(members[who], poll.number, (more[0],))
                assert may
                voted[poll.number, poll.round, members[who].key] = more[0]
            except RoomError:
                assert not may
        elif name == "forge":
            # A student has the key of a tab, and may guess.
            for guess in (members[who].key if who in members else "", "", seat[:-1], key):
                with pytest.raises(RoomError):
                    leads(room, guess, more[0])
                if guess != key:
                    with pytest.raises(RoomError):
                        room.take_seat(guess)
        elif name == "lead":
            try:
                leads(room, seat, who)
            except RoomError:
                assert who in (5, 6, 7)
        elif name == "wait":
            now[0] += who
        if name != "lead":
            assert Told(room).all == before, "only the teacher changes what the teacher set"
        assert room.version >= version, "nobody hears of less than before"
        version = room.version
        present = sum(now[0] - at <= ABSENT_AFTER_S for at in heard.values())
        assert room._count() >= present
        if room.poll:
            poll = room.poll
            for number in range(1, poll.round + 1):
                own = [at for (asked, turn, _), at in voted.items()
                       if (asked, turn) == (poll.number, number)]  # fmt: skip
                assert poll.counts(number) == (tuple(own.count(one) for one in range(3)),)
                assert sum(poll.counts(number)[0]) <= len(room.members)
            assert (poll.seen_rounds() == ()) == (
                poll.phase == "voting" or (poll.phase == "revealed" and not any(poll.votes))
            )
