"""A teacher and students as their pages' scripts see them: two sessions of one process."""

import json
import re
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from kvviz.ui.rooms import Process, RoomStore, room, room_store
from kvviz.ui.rooms.poll import counts_as_csv
from kvviz.ui.shell.room import bar, invitation, membership
from kvviz.ui.work import preload
from tests.pages.conftest import html_of, opened_by_link

NAME = membership._OF_SESSION


@pytest.fixture(autouse=True)
def store(monkeypatch):
    """Rooms of this test alone."""
    rooms = RoomStore()
    # No run is made here, so no model need be loaded meanwhile.
    monkeypatch.setattr(preload, "begin", lambda: None)
    for module in (membership, bar, invitation):
        monkeypatch.setattr(module, "room_store", lambda: rooms)
    return rooms


def press(app, key):
    app.button(key=key).click().run()
    assert not app.exception
    return html_of(app)


def keys(app):
    return [button.key for button in app.button]


def said(app):
    return re.findall(r'class="kvviz-problem" role="alert">([^<]*)<', html_of(app))


def bar_of(app):
    (found,) = [one for one in app.get("bidi_component")
                if one.proto.component_name == "kvviz_room_bar"]  # fmt: skip
    return found.proto.json


@pytest.fixture
def teacher():
    """The start page of who has opened a room."""
    app = opened_by_link("start", {})
    press(app, "room:open")
    return app


@pytest.fixture
def lesson(teacher):
    """The room that is open."""
    return teacher.session_state[NAME].room


def student(lesson, **more):
    """A page of who came in by the link."""
    return opened_by_link("start", {"room": lesson.code, **more})


def test_a_code_shown_large_its_link_and_its_picture_lead_into_the_room(teacher, lesson):
    html = html_of(teacher)
    assert f"room={lesson.code}" in html
    assert "data:image/svg+xml" in html
    assert student(lesson).session_state[NAME].room is lesson
    assert lesson.n_present == 1


def test_the_key_is_nowhere_but_in_what_the_teachers_own_bar_is_told(teacher, lesson):
    key = teacher.session_state[NAME].key
    pupil = student(lesson)
    assert key in bar_of(teacher)
    for text in (bar_of(pupil), html_of(pupil), html_of(teacher), str(teacher.query_params)):
        assert key not in text
        assert teacher.session_state[NAME].seat not in text


def test_a_code_that_is_typed_leads_in_and_a_wrong_one_is_kept_with_a_sentence(lesson):
    app = opened_by_link("start", {})
    app.text_input(key="room:code").input("hello").run()
    (sentence,) = said(app)
    assert "has 5 letters" in sentence
    assert app.text_input(key="room:code").value == "hello"
    app.text_input(key="room:code").input(lesson.code.lower()).run()
    assert said(app) == []
    assert app.session_state[NAME].room is lesson
    # So that a page loaded anew is in it.
    assert app.query_params["room"] == lesson.code
    press(app, "room:leave")
    assert NAME not in app.session_state
    assert "room" not in app.query_params
    # The query of a message may still name it; nobody is led in twice.
    app.query_params["room"] = lesson.code
    app.run()
    assert NAME not in app.session_state
    # Not even when it has opened one of its own since.
    press(app, "room:open")
    app.query_params["room"] = lesson.code
    app.run()
    assert app.session_state[NAME].teaches
    assert app.session_state[NAME].room is not lesson


def test_a_code_of_another_process_leads_there_and_its_key_is_kept_for_there(store, monkeypatch):
    store.own = Process.read({"KVVIZ_PROCESS": "b-k"})
    app = opened_by_link("start", {})
    app.text_input(key="room:code").input("z-bbbb").run()
    assert "in another process" in html_of(app)
    assert 'href="?room=ZBBBB">Go there</a>' in html_of(app)
    assert json.loads(bar_of(app))["elsewhere"] == "ZBBBB"
    app.text_input(key="room:code").input("bbbbb").run()
    assert "There is no room" in said(app)[0]
    assert json.loads(bar_of(app))["elsewhere"] == ""
    # Of who opened it, and whose browser is asked for it here.
    monkeypatch.setattr(membership, "st", SimpleNamespace(session_state={}))
    assert not membership.take_back({"code": "ZBBBB", "key": "k"})
    assert (membership.elsewhere(), membership.to_forget()) == ("ZBBBB", "")


@pytest.mark.parametrize("code", ["BBBBB", "<b>", "x" * 5000, "ABC\x00"])
def test_a_link_into_no_room_leaves_the_page_alive(code):
    app = opened_by_link("start", {"room": code})
    assert len(said(app)) == 1
    assert not app.exception
    assert "room:open" in keys(app)


def test_a_full_room_and_one_that_has_ended_say_so(teacher, lesson, monkeypatch):
    pupil = student(lesson)
    monkeypatch.setattr(room, "MOST_PRESENT", 1)
    assert "full" in said(student(lesson))[0]
    press(teacher, "room:end")
    assert "has ended" in said(teacher)[0]
    pupil.run()
    assert "has ended" in said(pupil)[0]
    assert "has ended" in said(student(lesson))[0]


def test_as_many_rooms_as_there_are_say_so(teacher, monkeypatch):
    monkeypatch.setattr(room_store, "MOST_ROOMS", 1)
    other = opened_by_link("start", {})
    press(other, "room:open")
    assert "no place for another room" in said(other)[0]


@pytest.mark.parametrize("told", [None, {}, {"code": 1, "key": 2}, {"code": "BBBBB", "key": "x"}])
def test_a_forged_claim_takes_no_seat(teacher, lesson, told, caplog):
    forged = {"code": lesson.code, "key": "guess"} if told is None else told
    seat = teacher.session_state[NAME].seat

    def script():
        import streamlit as st

        from kvviz.ui.shell.room import membership

        membership.take_back(st.session_state[membership._OF_SESSION + ":told"])
        st.text(membership.said())

    app = AppTest.from_function(script)
    app.session_state[NAME + ":told"] = forged
    app.run()
    assert app.text[0].value
    assert lesson.is_led_by(seat)
    assert "guess" not in caplog.text


def test_the_teacher_leads_to_an_address_without_what_is_ones_own(teacher, lesson):
    teacher.switch_page("../../../pages/model_sizes.py").run()
    assert lesson.place.page == "model_sizes"
    assert not {"room", "lang", "present"} & set(lesson.place.query)


def test_a_room_votes_twice_and_sees_what_happened(teacher, lesson):
    one, other = student(lesson), student(lesson)
    assert "vote:twice-as-long:ask" not in keys(one)
    html = press(teacher, "vote:twice-as-long:ask")
    assert "ask:twice-as-long:show" not in keys(teacher)
    assert 'data-kvviz="vote-counts" data-counts=""' in html
    rows = [row.key for row in one.run().get("button_group")]
    assert len(rows) == 2

    def vote(app, answers):
        for number, row in enumerate([row.key for row in app.run().get("button_group")]):
            app.button_group(key=row).set_value(answers[number]).run()
        return html_of(app)

    html = vote(one, (0, 2))
    assert 'data-own="1"' in html
    assert "vote-counts" not in html
    assert 'data-kvviz="verdict"' not in html
    vote(other, (0, 0))
    press(teacher, "vote:twice-as-long:show")
    for app in (teacher, one.run(), other.run()):
        assert 'data-counts="2,0,0|1,0,1"' in html_of(app)
        assert 'data-kvviz="verdict"' not in html_of(app)
        assert "kvviz-vote-right" not in html_of(app)
    assert one.get("button_group") == []
    press(teacher, "vote:twice-as-long:again")
    assert 'data-own="0"' in html_of(one.run())
    assert "vote-counts" not in html_of(one)
    vote(one, (0, 2))
    # What can be taken home is there as soon as counts have been shown.
    assert teacher.get("download_button")[0].key == "room:csv"
    press(teacher, "vote:twice-as-long:reveal")
    # What happened comes from the run: less than twice with the cache, more than 2.5 without.
    outcome = re.search(r'data-outcome="([^"]*)"', html_of(teacher))[1]
    for app in (teacher, one.run(), other.run()):
        html = html_of(app)
        assert 'data-counts="2,0,0|1,0,1 1,0,0|0,0,1"' in html
        assert html.count("kvviz-vote-right") == 2
        assert re.search(r'data-outcome="([^"]*)"', html)[1] == outcome
    assert "You said" in html_of(other) or "Right" in html_of(other)
    press(teacher, "vote:twice-as-long:done")
    (poll,) = lesson.past
    lines = counts_as_csv(lesson.counted).splitlines()
    assert len(lines) == 7
    assert poll.right is not None
    assert sum(int(line.endswith(",1")) for line in lines[1:]) == 2
    # What each said stays with their page.
    assert 'data-kvviz="verdict"' in html_of(one.run())
    assert "vote-counts" not in html_of(one)


def test_a_link_can_ask_for_the_presenter_view_and_the_view_can_be_left():
    app = opened_by_link("start", {"present": "1"})
    found = {one.proto.component_name: one.proto.json for one in app.get("bidi_component")
             if one.proto.component_name == "kvviz_presenter"}  # fmt: skip
    assert '"on":true' in found["kvviz_presenter"].replace(" ", "")
    press(app, "presenter:on")
    assert app.query_params["present"] == "1"
    press(app, "room:open")
    assert app.query_params["present"] == "1"
    assert "room" in app.query_params


@pytest.mark.parametrize(
    ("seen", "link"),
    [
        ("https://kv.example.org/base/kv_cache?x=1", "https://kv.example.org/base/?room=C"),
        ("http://10.1.2.3:8501/", "http://10.1.2.3:8501/?room=C"),
        ("http://[fe80::1]:8501/start", "http://[fe80::1]:8501/?room=C"),
    ],
)
def test_the_link_into_a_room_is_that_of_the_app(seen, link):
    assert invitation.link_to("C", seen) == (link, False)


def test_a_teacher_on_the_machine_itself_is_given_a_link_that_others_can_open(monkeypatch):
    monkeypatch.setattr(invitation, "own_number", lambda: "10.0.0.7")
    assert invitation.link_to("C", "http://localhost:8501/kv_cache") == (
        "http://10.0.0.7:8501/?room=C", True)  # fmt: skip
    monkeypatch.setattr(invitation, "own_number", lambda: "")
    assert invitation.link_to("C", "http://localhost:8501/") == (
        "http://localhost:8501/?room=C", False)  # fmt: skip
