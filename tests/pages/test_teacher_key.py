"""Rooms by who has the teacher's key, and none in public."""

import threading
import time

import pytest

from kvviz.errors import OptionsError, RoomError
from kvviz.ui.rooms import RoomStore
from kvviz.ui.shell.room import bar, invitation, membership, panel, teacher_key
from kvviz.ui.work import preload
from tests.pages.conftest import html_of, opened_by_link

CHOSEN = "correct horse battery"


@pytest.fixture(autouse=True)
def rooms(monkeypatch):
    """Rooms of this test alone, in a class whose teacher has a key."""
    store = RoomStore()
    monkeypatch.setattr(preload, "begin", lambda: None)
    for module in (membership, bar, invitation):
        monkeypatch.setattr(module, "room_store", lambda: store)
    monkeypatch.setattr(teacher_key, "PAUSE_S", 0.0)
    monkeypatch.setenv("KVVIZ_MODE", "classroom")
    teacher_key.teacher_key.cache_clear()
    yield store
    teacher_key.teacher_key.cache_clear()


def test_it_is_printed_once_at_the_start_and_its_letters_cannot_be_guessed(capsys):
    teacher_key.announce()
    key = teacher_key.teacher_key()
    assert capsys.readouterr().out.split()[-1] == key
    n_letters = len(key.replace("-", ""))
    assert len(teacher_key.LETTERS) ** n_letters > 2**100
    teacher_key.teacher_key.cache_clear()
    assert teacher_key.teacher_key() != key


@pytest.mark.parametrize("mode", ["laptop", "public"])
def test_where_none_is_needed_none_is_printed(mode, monkeypatch, capsys):
    monkeypatch.setenv("KVVIZ_MODE", mode)
    teacher_key.announce()
    assert capsys.readouterr().out == ""


def test_one_that_was_chosen_is_not_printed_and_a_short_one_is_refused(monkeypatch, capsys):
    monkeypatch.setenv("KVVIZ_TEACHER_KEY", CHOSEN)
    teacher_key.announce()
    assert capsys.readouterr().out == ""
    teacher_key.require(" Correct-Horse battery")
    with pytest.raises(OptionsError, match="16 letters") as caught:
        teacher_key.chosen_key({"KVVIZ_TEACHER_KEY": "tiger"})
    assert "tiger" not in str(caught.value)


def test_a_wrong_key_opens_nothing_and_the_right_one_does(rooms, caplog):
    app = opened_by_link("start", {})
    for given in ("", "BCDFG", teacher_key.teacher_key()[:-1]):
        app.text_input(key=panel.TEACHER).set_value(given)
        app.button(key="room:open").click().run()
        assert not rooms._rooms
    assert "This is not the teacher&#x27;s key." in html_of(app)
    key = teacher_key.teacher_key()
    app.text_input(key=panel.TEACHER).set_value(key.lower().replace("-", " ")).run()
    assert len(rooms._rooms) == 1
    assert app.session_state[membership._OF_SESSION].teaches
    # It is nowhere afterwards: not on the page, in its address, the session or the log.
    (room,) = rooms._rooms.values()
    student = opened_by_link("start", {"room": room.code})
    for drawn in (app, student):
        known = repr(drawn.session_state)
        for text in (html_of(drawn), str(drawn.query_params), known, caplog.text):
            assert key not in text
            assert key.lower().replace("-", " ") not in text


def test_guessing_is_slowed_however_many_guess(monkeypatch):
    monkeypatch.setattr(teacher_key, "PAUSE_S", 0.05)

    def guess():
        with pytest.raises(RoomError):
            teacher_key.require("BCDFG")

    began = time.monotonic()
    guesses = [threading.Thread(target=guess) for _guess in range(4)]
    for one in guesses:
        one.start()
    for one in guesses:
        one.join()
    assert time.monotonic() - began >= 4 * 0.05


def test_in_public_there_is_no_door_and_a_link_into_a_room_gets_a_sentence(rooms, monkeypatch):
    monkeypatch.setenv("KVVIZ_MODE", "public")
    room, _key = rooms.open()
    app = opened_by_link("start", {"room": room.code})
    assert "There are no rooms in this app" in html_of(app)
    assert room.n_present == 0
    assert "room:open" not in [button.key for button in app.button]
    with pytest.raises(RoomError, match="open to the public"):
        teacher_key.require(teacher_key.teacher_key())
