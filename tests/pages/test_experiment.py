"""One noun for every experiment: a toy, declared here, is asked, answered, done, told, opened."""

import pkgutil
from importlib import import_module
from threading import Event

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from kvviz.lessons import lessons
from kvviz.lessons.lesson_files import Question
from kvviz.ui.pages import cache_lab
from kvviz.ui.parts.experiment import Choice, Experiment, Verdict, Work, work
from kvviz.ui.parts.experiment.question import LONGEST_LABEL
from kvviz.ui.work.ticket_queue import TicketQueue
from tests.pages.conftest import PATIENCE_S, html_of

TOY = Question(
    id="toy",
    ask="How many letters has “{word}”?",
    told="“{word}” has {n} letters.",
    why="Letters are counted one by one.",
    source="An alphabet.",
)
COUNTED = []
"""Words whose letters were counted, each time anew."""


HELD = Event()
"""Lets the counting come to its end."""


def toy(word):
    """The whole of what a page declares."""

    def run(job):
        COUNTED.append(word)
        assert HELD.wait(PATIENCE_S)
        job.report(1, 1)
        return len(word)

    return Experiment(
        "toy",
        [Choice({n: f"{n} letters" for n in (3, 4, 5)})],
        lambda n: Verdict([{n}], {"word": word, "n": n}, [f"{' + '.join('1' * n)} = {n}."]),
        words={"word": word},
        about=word,
        work=Work("toy", word, "Counting", run),
    )


def script():
    import streamlit as st

    from tests.pages.test_experiment import toy

    toy(st.session_state.get("word", "tree")).draw()


@pytest.fixture
def page(monkeypatch):
    monkeypatch.setitem(lessons().questions, "toy", TOY)
    COUNTED.clear()
    HELD.set()
    return AppTest.from_function(script, default_timeout=PATIENCE_S).run()


def press(page, key):
    page.button(key=key).click().run()
    assert not page.exception
    return html_of(page)


def test_no_answer_of_the_lab_is_cut():
    parts = pkgutil.walk_packages(cache_lab.__path__, f"{cache_lab.__name__}.")
    asked = [getattr(import_module(part.name), "ANSWERS", {}) for part in parts]
    answers = [answer for one in asked for answer in one.values()]
    assert len(answers) > 15
    assert [answer for answer in answers if len(answer) > LONGEST_LABEL] == []


def test_it_is_asked_answered_done_told_and_opened(page):
    assert "How many letters has “tree”?" in html_of(page)
    assert COUNTED == []
    assert [button.key for button in page.button] == [
        *(f"ask:toy:{number}" for number in range(3)),
        "ask:toy:show",
    ]
    html = press(page, "ask:toy:0")
    assert 'data-kvviz="verdict" data-right="0" data-asked="1" data-outcome="4 letters"' in html
    assert "You said 3 letters. “tree” has 4 letters." in html
    assert [button.key for button in page.button] == []
    for reason in ("1 + 1 + 1 + 1 = 4.", TOY.why, TOY.source):
        assert reason in html
    # The result is kept with its subject, and the question stands.
    page.run()
    assert "How many letters" in html_of(page)
    assert COUNTED == ["tree"]


def test_a_right_answer_is_called_right(page):
    assert "Right. “tree” has 4 letters." in press(page, "ask:toy:1")


def test_who_would_rather_see_it_is_shown_it_without_a_judgement(page):
    html = press(page, "ask:toy:show")
    assert ">“tree” has 4 letters." in html
    assert 'data-right="0"' in html


def test_another_subject_asks_anew_and_the_first_keeps_its_answer(page):
    press(page, "ask:toy:1")
    page.session_state["word"] = "bee"
    page.run()
    assert "How many letters has “bee”?" in html_of(page)
    assert "verdict" not in html_of(page)
    assert "Right. “bee” has 3 letters." in press(page, "ask:toy:0")
    page.session_state["word"] = "tree"
    page.run()
    assert "Right. “tree” has 4 letters." in html_of(page)
    assert COUNTED == ["tree", "bee"]


def test_what_is_cancelled_leaves_nothing_and_is_done_again_when_asked(page, monkeypatch):
    jobs = []

    def press_cancel(job, key, room):
        jobs.append(job)
        job.cancel()

    with monkeypatch.context() as patch:
        patch.setattr(work, "watch", press_cancel)
        html = press(page, "ask:toy:1")
    assert jobs[0].cancelled()
    assert "Cancelled: nothing was kept of it." in html
    assert "verdict" not in html
    assert [button.key for button in page.button] == ["do:toy:again"]
    html = press(page, "do:toy:again")
    assert "Right. “tree” has 4 letters." in html
    assert "Cancelled" not in html


def test_work_in_line_says_how_many_go_before(page, monkeypatch):
    queue, said = TicketQueue(1), []
    first = queue.join()
    monkeypatch.setattr(work.runs, "queue", lambda concurrency: queue)
    monkeypatch.setattr(work, "TELL_AFTER_S", 0.0)
    real = work.work_bar.draw

    def drawn(job, key, *, wakes):
        said.append(job.status()["said"])
        queue.leave(first)
        # The page waits for it in its script, and finds out by itself.
        assert not wakes
        real(job, key, wakes=wakes)

    monkeypatch.setattr(work.work_bar, "draw", drawn)
    assert "“tree” has 4 letters." in press(page, "ask:toy:show")
    assert said[0].startswith("Waiting in line: 1 run to go before this one")


def test_a_drawing_that_is_cut_short_leaves_the_work_going_on(page, monkeypatch):
    cut, real = [], work.watch
    HELD.clear()

    def cut_short(job, *others):
        cut.append(job)
        if len(cut) == 1:
            return st.rerun()
        HELD.set()
        return real(job, *others)

    monkeypatch.setattr(work, "watch", cut_short)
    assert "“tree” has 4 letters." in press(page, "ask:toy:show")
    assert len(cut) == 2
    assert cut[0] is cut[1]
    assert COUNTED == ["tree"]
