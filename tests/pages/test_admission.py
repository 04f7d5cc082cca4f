"""What is admitted, from whom and how often: without a page, a model or a server."""

import ast
from pathlib import Path

import pytest

import kvviz
from kvviz.errors import LimitError, OptionsError
from kvviz.lessons import lessons
from kvviz.ui.shell.mode import CLASSROOM, LAPTOP, PUBLIC
from kvviz.ui.shell.visitor import Visitor
from kvviz.ui.work.admission import Ask, RunRate, refusals
from kvviz.ui.work.jobs import Job
from kvviz.ui.work.ticket_queue import TicketQueue
from tests.clock import Clock

UI = Path(kvviz.__file__).parent / "ui"
FIRST, SECOND = Visitor("first", "192.0.2.7"), Visitor("second", "192.0.2.7")


@pytest.fixture
def clock():
    return Clock(1000.0)


@pytest.fixture
def rate(clock):
    return RunRate(clock)


def refused(rate, visitor, mode):
    """Return the error of a run that is one too many."""
    with pytest.raises(LimitError) as caught:
        rate.begin(visitor, mode)
    return caught.value


def test_a_visitor_over_the_cap_is_told_when_the_next_run_can_begin(rate, clock):
    for _run in range(PUBLIC.runs):
        rate.begin(FIRST, PUBLIC)
        clock.now += 1.0
    error = refused(rate, FIRST, PUBLIC)
    assert f"{PUBLIC.runs} runs within a minute" in error.what
    wait_s = 60 - PUBLIC.runs
    assert f"in {wait_s} seconds" in error.fix
    rate.begin(SECOND, PUBLIC)
    clock.now += wait_s - 0.5
    refused(rate, FIRST, PUBLIC)
    clock.now += 0.5
    rate.begin(FIRST, PUBLIC)


def test_a_class_behind_one_address_is_no_single_visitor_and_an_address_has_a_cap_of_its_own(rate):
    students = [Visitor(f"student {number}", "192.0.2.7") for number in range(30)]
    for student in students:
        for _run in range(CLASSROOM.runs):
            rate.begin(student, CLASSROOM)
    # Who throws its name away again and again meets the cap of its address.
    error = refused(rate, Visitor("a new name", "192.0.2.7"), CLASSROOM)
    assert f"{CLASSROOM.runs_per_address:,} runs within a minute" in error.what
    rate.begin(Visitor("a new name", "192.0.2.8"), CLASSROOM)


def test_a_laptop_counts_nothing(rate):
    for _run in range(2000):
        rate.begin(FIRST, LAPTOP)
    assert not rate._begun


def test_what_is_a_minute_old_is_forgotten(rate, clock):
    rate.begin(FIRST, PUBLIC)
    clock.now += 60.0
    rate.begin(SECOND, PUBLIC)
    assert "name first" not in rate._begun


@pytest.mark.parametrize(
    ("ask", "kind", "asked", "allowed"),
    [
        (Ask(("short", "x" * 2001)), LimitError, "2,001", "2,000 characters"),
        (Ask(("short",), new=43, sequences=3), OptionsError, "129", "1 to 128 new tokens"),
        (Ask(fetches=True), LimitError, "", "fetch no models"),
    ],
)
def test_each_cap_says_what_was_asked_what_is_allowed_and_what_to_do(ask, kind, asked, allowed):
    (error,) = refusals(ask, PUBLIC)
    assert type(error) is kind
    assert allowed in error.what
    assert asked in error.found
    assert error.fix


def test_what_just_fits_is_admitted_and_a_laptop_refuses_what_it_did_before():
    assert not [*refusals(Ask(("x" * 2000,), new=128), PUBLIC)]
    assert not [*refusals(Ask(("x" * 10**6,), new=1024, fetches=True), LAPTOP)]
    assert not [*refusals(Ask(new=1024, sequences=64), LAPTOP)]
    (error,) = refusals(Ask(new=1025), LAPTOP)
    assert isinstance(error, OptionsError)


def test_every_text_of_the_lessons_is_admitted_in_public():
    words = lessons()
    texts = [*words.prompts, *words.texts]
    assert len(texts) > 5
    assert not [text.name for text in texts if [*refusals(Ask((text.text,)), PUBLIC)]]


def test_a_job_that_is_not_admitted_is_over_at_once_and_takes_no_place(monkeypatch):
    monkeypatch.setenv("KVVIZ_MODE", "public")
    line, done = TicketQueue(1), []
    job = Job(done.append, line, asks=Ask(("x" * 3000,)))
    assert job.wait()
    assert isinstance(job.error, LimitError)
    assert (line.n_inside, line.n_waiting, job.place, done) == (0, 0, 0, [])
    assert job.status()["over"]


def test_whatever_begins_work_says_what_it_asks_for():
    # A job that says nothing is counted all the same, but its texts and tokens are not looked at.
    silent = []
    for path in sorted(UI.rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name):
                by_name = any(word.arg == "asks" for word in call.keywords)
                if call.func.id == "Job" and not by_name:
                    silent.append(f"{path}:{call.lineno}")
                if call.func.id == "Work" and not (by_name or len(call.args) > 4):
                    silent.append(f"{path}:{call.lineno}")
    assert silent == []
