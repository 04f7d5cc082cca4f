"""Who is waited for, by what was heard of their tab; and what becomes of work where nobody is."""

from threading import Event
from types import SimpleNamespace

import pytest

from kvviz.errors import RunCancelledError
from kvviz.ui.work import attendance, jobs
from kvviz.ui.work.attendance import ELSEWHERE_S, LEFT_AFTER_S, UNHEARD_S, Attendance
from kvviz.ui.work.job_endpoint import answer
from kvviz.ui.work.jobs import Job
from kvviz.ui.work.ticket_queue import TicketQueue

PATIENCE_S = 30


@pytest.fixture
def clock(monkeypatch):
    """A clock that a test moves: its one entry is the time."""
    now = [100.0]
    for module in (attendance, jobs):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


@pytest.fixture
def connected(monkeypatch):
    """Sessions whose websocket is open."""
    sessions = {"mine"}
    runtime = SimpleNamespace(is_active_session=sessions.__contains__)
    monkeypatch.setattr(attendance, "Runtime", SimpleNamespace(instance=lambda: runtime))
    return sessions


@pytest.mark.usefixtures("connected")
def test_a_bar_that_is_not_heard_of_is_a_tab_that_is_gone(clock):
    tab = Attendance("mine")
    tab.bar_asks()
    clock[0] += UNHEARD_S
    assert tab.is_there
    clock[0] += 0.1
    # A script that waits for the work goes on asking where nobody sees what it draws.
    tab.page_asks()
    assert not tab.is_there
    tab.bar_asks()
    assert tab.is_there


@pytest.mark.usefixtures("connected")
def test_a_page_that_closes_is_waited_for_a_moment_and_one_without_its_bar_for_longer(clock):
    closed, elsewhere = Attendance("mine"), Attendance("mine")
    closed.bar_asks()
    closed.closes()
    elsewhere.bar_asks()
    elsewhere.bar_goes()
    clock[0] += LEFT_AFTER_S + 0.1
    assert not closed.is_there
    clock[0] += UNHEARD_S
    assert elsewhere.is_there
    clock[0] += ELSEWHERE_S
    assert not elsewhere.is_there


def test_a_tab_that_never_had_a_bar_is_there_as_long_as_it_is_connected(clock, connected):
    tab = Attendance("mine")
    clock[0] += UNHEARD_S + 1
    assert tab.is_there
    connected.clear()
    clock[0] += UNHEARD_S
    assert tab.is_there, "it may come back"
    clock[0] += 0.1
    assert not tab.is_there


class Watched:
    """Work that ends when it is told to or let, and notes how often it was begun."""

    def __init__(self):
        self.n_begun, self.begun, self.may_end = 0, Event(), Event()

    def __call__(self, job):
        self.n_begun += 1
        self.begun.set()
        while not (job.cancelled() or self.may_end.wait(0.005)):
            pass
        return self.n_begun


def until(holds):
    """Wait until something holds."""
    for _ in range(PATIENCE_S * 100):
        if holds():
            return
        Event().wait(0.01)
    raise AssertionError("It never came to be.")


def asks(job):
    assert answer(job.key, "GET", None)[0] == 200


def test_who_is_not_heard_of_leaves_the_line_and_who_comes_back_has_the_place_of_before(clock):
    before, line, first, last = jobs.n_under_way(), TicketQueue(1), Watched(), Watched()
    inside = line.join()
    away, waits = Job(first, line), Job(last, line)
    asks(away)
    assert (away.place, waits.place) == (1, 2)
    clock[0] += UNHEARD_S + 1
    until(lambda: waits.place == 1)
    assert line.n_waiting == 1
    assert jobs.n_under_way() == before + 1, "nobody is kept waiting for it"
    asks(away)
    until(lambda: away.place == 1)
    assert waits.place == 2
    line.leave(inside)
    assert first.begun.wait(PATIENCE_S)
    assert not last.begun.is_set()
    first.may_end.set()
    last.may_end.set()
    assert away.wait(PATIENCE_S)
    assert waits.wait(PATIENCE_S)
    assert (away.result, waits.result) == (1, 1)


def test_a_run_that_nobody_waits_for_gives_its_place_away_and_is_made_for_who_comes_back(clock):
    line, work = TicketQueue(1), Watched()
    job = Job(work, line)
    assert work.begun.wait(PATIENCE_S)
    asks(job)
    clock[0] += UNHEARD_S + 1
    until(lambda: line.has_room)
    assert not job.wait()
    work.may_end.set()
    asks(job)
    assert job.wait(PATIENCE_S)
    assert (job.result, job.error, work.n_begun) == (2, None, 2)


def test_who_does_not_come_back_is_forgotten_after_a_while(clock):
    job = Job(Watched(), TicketQueue(1))
    asks(job)
    clock[0] += UNHEARD_S + 1
    until(lambda: job.phase == "waiting")
    assert not job.is_cancelled
    clock[0] += jobs.FORGOTTEN_AFTER_S
    until(lambda: job.phase == "done")
    assert job.is_cancelled


def test_who_was_cut_off_in_the_line_and_cancels_is_told_so(clock):
    line = TicketQueue(1)
    line.join()
    job = Job(Watched(), line)
    asks(job)
    clock[0] += UNHEARD_S + 1
    until(lambda: line.n_waiting == 0)
    job.cancel()
    assert job.wait(PATIENCE_S)
    assert isinstance(job.error, RunCancelledError)
