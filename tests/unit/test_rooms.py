"""A room without a page: its seat, those present, its votes, and the address it answers at."""

import json
import threading

import pytest

from kvviz.errors import RoomError
from kvviz.ui.rooms import Place, Question, RoomStore, room, room_store
from kvviz.ui.rooms.poll import counts_as_csv
from kvviz.ui.rooms.room_code import LETTERS
from kvviz.ui.rooms.room_endpoint import ADDRESS, RoomEndpoint, answer
from kvviz.ui.rooms.room_store import IDLE_S
from tests.clock import Clock
from tests.pages.middleware_answer import answer_of

QUESTION = Question("q", "How many?", (("one", "=2", "three"),), ())
VIEW = {"step": 3, "layer": 1, "head": 0, "cache": "on", "run": "abc", "cell": None}


class Class:
    """A room, its teacher, and a clock that a test moves."""

    def __init__(self):
        self.clock = Clock()
        self.store = RoomStore(self.clock)
        self.room, self.key = self.store.open()
        self.seat = self.room.take_seat(self.key)

    def asked(self, member, known=0, **more):
        code, said = answer(self.store, member.key, "GET", None, f"v={known}", **more)
        assert code == 200
        return said


@pytest.fixture
def lesson():
    return Class()


def test_a_code_has_no_letter_that_is_taken_for_another_and_is_found_as_it_is_typed(lesson):
    code = lesson.room.code
    assert len(code) == 5
    assert not set("AEIOUY0158LQV") & set(LETTERS)
    assert lesson.store.find(f" {code[:2].lower()}-{code[2:].lower()} ") is lesson.room


def test_a_code_that_is_no_room_says_what_to_do(lesson):
    other = "BBBBB" if lesson.room.code != "BBBBB" else "CCCCC"
    for text, word in ((other, "There is no room"), ("<b>x", "has 5 letters")):
        with pytest.raises(RoomError, match=word) as raised:
            lesson.store.find(text)
        assert raised.value.fix


def test_a_room_without_its_teacher_ends_after_a_while_and_is_said_to_have_ended(lesson):
    member = lesson.room.join()
    lesson.clock.now = IDLE_S - 1
    lesson.asked(member, seat=lesson.seat)
    lesson.clock.now = 2 * IDLE_S - 2
    assert lesson.store.find(lesson.room.code) is lesson.room
    lesson.clock.now += 2
    with pytest.raises(RoomError, match="has ended"):
        lesson.store.find(lesson.room.code)
    assert answer(lesson.store, member.key, "GET", None) == (
        200, {"v": 0, "process": lesson.store.process})  # fmt: skip


def test_rooms_are_bounded_and_one_left_empty_makes_place(lesson, monkeypatch):
    monkeypatch.setattr(room_store, "MOST_ROOMS", 2)
    lesson.store.open()
    with pytest.raises(RoomError, match="no place for another room"):
        lesson.store.open()
    member = lesson.room.join()
    lesson.clock.now = 1000
    lesson.room.hear(member)
    third, _ = lesson.store.open()
    assert lesson.store.find(lesson.room.code) is lesson.room
    assert lesson.store.find(third.code) is third


def test_a_full_room_says_so_and_lets_its_teacher_in(lesson, monkeypatch):
    monkeypatch.setattr(room, "MOST_PRESENT", 2)
    lesson.room.join(), lesson.room.join()
    with pytest.raises(RoomError, match="full"):
        lesson.room.join()
    lesson.room.join(teaches=True)
    lesson.clock.now = 9
    assert lesson.room.join()


def test_a_closed_tab_is_gone_at_once_and_a_silent_one_within_ten_seconds(lesson):
    teacher, one, other = lesson.room.join(teaches=True), lesson.room.join(), lesson.room.join()
    assert lesson.asked(one)["n"] == 2
    assert answer(lesson.store, other.key, "POST", "left") == (200, None)
    assert lesson.asked(one)["n"] == 1
    lesson.clock.now = 9.5
    assert lesson.asked(teacher)["n"] == 0
    # One that is heard of again, such as after a hidden tab came forward, is there again.
    lesson.asked(one)
    lesson.clock.now = 10.1
    assert lesson.asked(teacher)["n"] == 1


def test_what_is_known_is_not_told_again(lesson):
    member = lesson.room.join()
    lesson.room.lead(lesson.seat, Place("kv_cache", {"prompt": "Hi"}))
    told = lesson.asked(member)
    assert (told["page"], told["query"], told["leads"]) == ("kv_cache", {"prompt": "Hi"}, False)
    assert lesson.asked(member, told["v"]) == {"v": told["v"], "n": 1, "a": 0, "next": 500}
    lesson.room.lead(lesson.seat, Place("kv_cache", {"prompt": "Hi"}))
    assert lesson.asked(member, told["v"]).keys() == {"v", "n", "a", "next"}


def test_only_the_key_takes_the_seat_and_who_had_it_before_leads_no_more(lesson):
    with pytest.raises(RoomError, match="not the key"):
        lesson.room.take_seat(lesson.seat)
    with pytest.raises(RoomError):
        lesson.room.take_seat("é")
    seat = lesson.room.take_seat(lesson.key)
    with pytest.raises(RoomError, match="Only this room's teacher"):
        lesson.room.pause(lesson.seat)
    lesson.room.pause(seat)
    assert lesson.room.paused


def test_no_secret_is_in_what_is_told_or_in_what_a_log_would_show(lesson):
    member = lesson.room.join()
    lesson.room.ask(lesson.seat, QUESTION)
    shown = json.dumps(lesson.asked(member, seat=lesson.seat)) + repr(lesson.room)
    assert lesson.key not in shown
    assert lesson.seat not in shown


def test_a_forged_view_is_refused_without_a_word_of_it_in_the_log(lesson, caplog):
    member = lesson.room.join()
    body = json.dumps(VIEW).encode()
    assert answer(lesson.store, member.key, "POST", "view", seat="guess", body=body)[0] == 403
    assert lesson.room.view is None
    assert "guess" not in caplog.text
    assert "RoomError" in caplog.text
    assert answer(lesson.store, member.key, "POST", "view", seat=lesson.seat, body=body)[0] == 200
    assert lesson.asked(member)["view"] == VIEW


@pytest.mark.parametrize("wrong", [
    None, [], {**VIEW, "step": -1}, {**VIEW, "step": True}, {**VIEW, "cache": "x"},
    {**VIEW, "run": "x" * 101}, {**VIEW, "cell": {"query": 1, "key": "2", "cross": False}},
    {**VIEW, "cell": [1]}, b"{", b"[" * 4000])  # fmt: skip
def test_what_is_no_view_is_refused(lesson, wrong):
    member = lesson.room.join()
    body = wrong if isinstance(wrong, bytes) else json.dumps(wrong).encode()
    assert answer(lesson.store, member.key, "POST", "view", seat=lesson.seat, body=body)[0] == 403
    assert lesson.room.view is None


def test_votes_are_hidden_until_they_are_shown_and_again_in_the_second_round(lesson):
    one, other = lesson.room.join(), lesson.room.join()
    lesson.room.ask(lesson.seat, QUESTION)
    poll = lesson.room.poll
    lesson.room.vote(one, poll.number, (0,))
    lesson.room.vote(one, poll.number, (1,))
    assert (poll.n_answered, poll.seen_rounds()) == (1, ())
    assert lesson.asked(other)["a"] == 1
    lesson.room.show_counts(lesson.seat)
    assert (poll.seen_rounds(), poll.counts(1)) == ((1,), ((0, 1, 0),))
    with pytest.raises(RoomError, match="over"):
        lesson.room.vote(other, poll.number, (0,))
    lesson.room.vote_again(lesson.seat)
    assert (poll.round, poll.seen_rounds(), poll.n_answered) == (2, (), 0)
    lesson.room.vote(other, poll.number, (2,))
    lesson.room.reveal(lesson.seat)
    assert poll.seen_rounds() == (1, 2)
    assert lesson.room.answered(one, poll.number) == (1,)
    assert lesson.room.answered(other, poll.number) == (2,)
    with pytest.raises(RoomError, match="voted on twice"):
        lesson.room.vote_again(lesson.seat)


@pytest.mark.parametrize("options", [(), (3,), (-1,), (0, 0), (True,)])
def test_a_vote_for_what_was_not_offered_counts_nothing(lesson, options):
    lesson.room.ask(lesson.seat, QUESTION)
    with pytest.raises(RoomError, match="none of the answers"):
        lesson.room.vote(lesson.room.join(), 1, options)
    assert lesson.room.poll.n_answered == 0


def test_a_page_loaded_anew_votes_for_the_one_before_and_not_once_more(lesson):
    before, other = lesson.room.join(), lesson.room.join()
    lesson.room.ask(lesson.seat, QUESTION)
    lesson.room.vote(before, 1, (0,))
    lesson.room.vote(other, 1, (2,))
    now = lesson.room.join()
    query = f"v=0&was={before.key}"
    assert answer(lesson.store, now.key, "GET", None, query)[1]["n"] == 2
    assert lesson.room.answered(now, 1) == (0,)
    lesson.room.vote(now, 1, (1,))
    assert lesson.room.poll.counts(1) == ((0, 1, 1),)
    # Asked again, by a key that nobody has, or by one's own, it changes nothing.
    for key in (before.key, "x", now.key):
        answer(lesson.store, now.key, "GET", None, f"was={key}")
    assert lesson.room.poll.counts(1) == ((0, 1, 1),)
    assert answer(lesson.store, before.key, "GET", None)[1]["v"] == 0


def test_a_vote_on_a_question_before_counts_nothing(lesson):
    member = lesson.room.join()
    lesson.room.ask(lesson.seat, QUESTION)
    lesson.room.ask(lesson.seat, QUESTION)
    with pytest.raises(RoomError, match="any more"):
        lesson.room.vote(member, 1, (0,))


def test_counts_are_taken_home_without_a_formula_in_them(lesson):
    member = lesson.room.join()
    lesson.room.ask(lesson.seat, QUESTION)
    lesson.room.vote(member, 1, (1,))
    assert lesson.room.counted == []
    lesson.room.reveal(lesson.seat)
    lesson.room.found(lesson.seat, ((1,),))
    lines = [
        "question,choice,option,first_vote,second_vote,right",
        "How many?,,one,0,,0",
        "How many?,,'=2,1,,1",
        "How many?,,three,0,,0",
    ]
    # While it is still on the page, and when the next one is asked.
    assert counts_as_csv(lesson.room.counted).splitlines() == lines
    lesson.room.put_aside(lesson.seat)
    assert lesson.room.poll is None
    assert counts_as_csv(lesson.room.counted).splitlines() == lines


def test_counts_that_were_shown_are_kept_though_the_answer_was_not_and_no_others(lesson):
    member = lesson.room.join()
    lesson.room.ask(lesson.seat, QUESTION)
    lesson.room.vote(member, 1, (0,))
    lesson.room.show_counts(lesson.seat)
    lesson.room.vote_again(lesson.seat)
    lesson.room.vote(member, 1, (2,))
    lesson.room.ask(lesson.seat, QUESTION)
    lesson.room.vote(member, 2, (1,))
    lesson.room.put_aside(lesson.seat)
    assert counts_as_csv(lesson.room.counted).splitlines()[1:] == [
        "How many?,,one,1,,",
        "How many?,,'=2,0,,",
        "How many?,,three,0,,",
    ]


def test_many_threads_join_and_vote_and_none_is_lost(lesson):
    lesson.room.ask(lesson.seat, QUESTION)

    def visit(number):
        member = lesson.room.join()
        lesson.room.vote(member, 1, (number % 3,))

    threads = [threading.Thread(target=visit, args=(number,)) for number in range(60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert lesson.room.poll.counts(1) == ((20, 20, 20),)
    assert lesson.room.n_present == 60


def test_the_endpoint_passes_on_what_is_not_its_own(monkeypatch):
    assert answer_of(RoomEndpoint, "/kv_cache") is None
    assert answer_of(RoomEndpoint, f"/{ADDRESS}/x/other") is None
    code, headers, body = answer_of(RoomEndpoint, f"/base/{ADDRESS}/x", root_path="/base")
    assert (code, json.loads(body)["v"], headers[b"cache-control"]) == (200, 0, b"no-store")
    assert answer_of(RoomEndpoint, f"/{ADDRESS}/x", method="PUT")[0] == 405
    assert answer_of(RoomEndpoint, f"/{ADDRESS}/x/left", method="GET")[0] == 405
