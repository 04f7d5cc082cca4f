"""A run is shown to all who wait for it while it is made, and what a browser fetches of it."""

import json
import time
from contextlib import contextmanager
from threading import Event, Timer

import pytest

from kvviz.engine.running import so_far
from kvviz.player.growing import Growing
from kvviz.translation import using
from kvviz.ui.parts.run_state import RunState
from kvviz.ui.shell.environment import Environment
from kvviz.ui.work import growing_endpoint, job_endpoint, run_so_far, runs
from kvviz.ui.work.equal_work import EqualWork
from kvviz.ui.work.growing_endpoint import GrowingEndpoint, address
from kvviz.ui.work.jobs import Job
from kvviz.ui.work.run_settings import RunSettings
from kvviz.ui.work.run_so_far import GrowingLook, RunSoFar
from kvviz.ui.work.shown_run import ShownRun
from kvviz.ui.work.ticket_queue import TicketQueue
from tests.factories import make_trace
from tests.pages.conftest import Page
from tests.pages.middleware_answer import answer_of
from tests.payload_reader import unpack

PATIENCE_S = 30
SETTINGS = RunSettings()
FIRST, LATER = (
    RunSoFar(ShownRun(SETTINGS, make_trace(n_prompt=5, n_new=n, n_layers=3, n_heads=4)))
    for n in (2, 4)
)


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """Nobody waits longer than has to be."""
    monkeypatch.setattr(job_endpoint, "LEAST_S", 0.0)
    monkeypatch.setattr(run_so_far, "MOST_SHARE", float("inf"))
    monkeypatch.setattr(growing_endpoint, "MOST_S", 0.1)


@contextmanager
def at_work(look=None):
    """A job that goes on inside the ``with``."""
    go_on = Event()
    job = Job(lambda job: go_on.wait(PATIENCE_S), TicketQueue(1))
    job.look = look or GrowingLook(lambda shown: (1, 2))
    try:
        yield job
    finally:
        go_on.set()
        # One that was let go of would wait for somebody to come back.
        job.cancel()
        assert job.wait(PATIENCE_S)


def fetched(job, query="", method="GET", path=None):
    """Return code and body of what the endpoint answers, None where the request goes through."""
    path = path or f"/{address(job)}"
    answer = answer_of(GrowingEndpoint, path, method=method, query=query.encode())
    if answer is None:
        return None
    code, headers, body = answer
    assert headers[b"cache-control"] == b"no-store"
    return code, body


def test_a_browser_gets_what_came_since_and_waits_where_nothing_did():
    with at_work() as job:
        assert fetched(job) == (204, b"")
        job.show(FIRST)
        code, body = fetched(job)
        header, _ = unpack(body)
        assert (code, header["n_steps"], header["recorded"]) == (200, 2, False)
        assert header["growing"] == {
            "n_steps": 2,
            "n_held": 0,
            "layer_is_held": True,
            "step": None,
            "cache": "on",
        }
        # It begins where the page chooses, and goes where the person does.
        assert (header["view"]["layer"], header["view"]["head"]) == (1, 2)
        assert job.look.picked is None
        assert fetched(job, "since=6&layer=2&head=0") == (204, b"")
        Timer(0.05, lambda: job.show(LATER)).start()
        header, arrays = unpack(fetched(job, "since=6&layer=2&head=0")[1])
        assert (header["n_rows"], header["growing"]["n_held"]) == (8, 6)
        assert arrays["on.fingerprints.2"].shape[2] == 2
        assert (header["view"]["layer"], header["view"]["head"]) == (2, 0)
        assert (job.look.place, job.look.picked) == ((2, 0), (2, 0))
        # Another layer comes at once, whole.
        _, arrays = unpack(fetched(job, "since=8&layer=0&head=0&anew=1")[1])
        assert arrays["on.fingerprints.0"].shape[2] == 8
        assert arrays["on.pattern.2"].size == 0
        # Of a run that was begun anew there may be less than there was.
        assert fetched(job, "since=9&layer=0&head=0&anew=1") == (204, b"")
        job.look.place = (2, 0)
        # What is no number, or no place of this model, is as if it were not said.
        for odd in ("since=x&layer=-1", "layer=99&head=0", "since=0&since=1e9", "%ff=1&layer="):
            assert unpack(fetched(job, odd)[1])[0]["view"]["layer"] == 2
    assert fetched(job) == (200, b"")


def test_who_is_asked_for_nothing_or_by_a_stranger_says_that_there_will_be_no_more():
    with at_work() as job:
        job.show(FIRST)
        assert fetched(job, method="POST") == (200, b"")
        assert fetched(job, path=f"/{job_endpoint.ADDRESS}/unknown/run") == (200, b"")
        assert fetched(job, path=f"/{job_endpoint.ADDRESS}/{job.key}") is None
        job.look = None
        assert fetched(job) == (200, b"")


def test_the_end_of_the_work_answers_who_waits():
    with at_work() as job:
        job.show(FIRST)
        Timer(0.05, job.cancel).start()
    assert job.so_far is None
    assert fetched(job, "since=6") == (200, b"")


def test_a_page_that_is_closed_while_it_asks_is_not_taken_to_be_open(monkeypatch):
    monkeypatch.setattr("kvviz.ui.work.attendance.LEFT_AFTER_S", 0.0)
    monkeypatch.setattr(growing_endpoint, "MOST_S", PATIENCE_S)
    with at_work() as job:
        Timer(0.05, job.attendance.closes).start()
        # What there is to see then wakes the question that is under way.
        Timer(0.1, lambda: job.show(FIRST)).start()
        assert fetched(job)[0] == 200
        assert job.cancelled()


def test_a_run_that_is_made_anew_shows_nothing_of_the_first_attempt(monkeypatch):
    monkeypatch.setattr("kvviz.ui.work.attendance.LEFT_AFTER_S", 0.0)
    seen, left = [], Event()

    def work(job):
        seen.append(job.so_far)
        job.show(FIRST)
        if len(seen) == 1:
            job.attendance.closes()
            assert job.cancelled()
            left.set()

    job = Job(work, TicketQueue(1))
    assert left.wait(PATIENCE_S)
    job.attendance.bar_asks()
    assert job.wait(PATIENCE_S)
    assert seen == [None, None]


def test_what_all_see_is_packed_once_and_packing_takes_a_tenth_of_the_time(monkeypatch):
    monkeypatch.setattr(run_so_far, "MOST_SHARE", 0.1)
    calls = []

    def slowly(*args, **options):
        calls.append(options["growing"])
        time.sleep(0.01)
        return b"packed"

    monkeypatch.setattr(run_so_far, "pack", slowly)
    shown = ShownRun(SETTINGS, make_trace())
    both = RunSoFar(shown)
    one, other, elsewhere = (GrowingLook(lambda shown: (0, 1), step) for step in (None, None, 3))
    assert both.packed(one) == both.packed(other) == both.packed(elsewhere) == b"packed"
    assert [growing.step for growing in calls] == [None, 3]
    with using("en-XA"):
        both.packed(one)
    assert len(calls) == 3
    assert calls[0] == Growing(shown.trace.options.max_new_tokens)
    assert one.not_before - time.monotonic() > 0.05
    assert other.not_before < one.not_before


def test_who_joins_a_run_sees_what_there_is_of_it_at_once():
    equal, line, joined = EqualWork(), TicketQueue(2), Event()

    def work(askers):
        askers.show(FIRST)
        assert joined.wait(PATIENCE_S)
        askers.show(LATER)
        return [one.so_far for one in askers.waiting]

    first = Job(lambda job: equal.do("a", job, work), line)
    until = time.monotonic() + PATIENCE_S
    while first.so_far is None:
        assert time.monotonic() < until
    seen = []

    def join(job):
        show = job.show
        job.show = lambda record: (seen.append(record), show(record), joined.set())
        return equal.do("a", job, work)

    second = Job(join, line)
    assert second.wait(PATIENCE_S)
    assert first.wait(PATIENCE_S)
    assert seen == [FIRST, LATER]
    assert second.result == [LATER, LATER]


@pytest.mark.parametrize("is_short", [True, False])
def test_only_a_run_that_is_not_short_by_count_is_shown_while_it_is_made(monkeypatch, is_short):
    for name, value in (("FIRST_AFTER_S", 0), ("EVERY_S", 0), ("MOST_SHARE", float("inf"))):
        monkeypatch.setattr(so_far, name, value)
    if not is_short:
        monkeypatch.setattr(runs, "BOTH_UP_TO_FLOPS", 0)
    seen, show = [], Job.show
    monkeypatch.setattr(Job, "show", lambda job, record: (seen.append(record), show(job, record)))
    settings = RunSettings(prompt="Once upon a time", new=4)
    job = runs.start(settings, Environment.read(), want_both=True, anew=True)
    assert job.wait(PATIENCE_S)
    assert job.result.trace.n_rows == 7
    # Step by step, and whole while the run without the cache is made.
    assert [one.n_rows for one in seen] == ([] if is_short else [4, 5, 6, 7])


def vouchers(page):
    """Return what the players on a page are given."""
    drawn = page.app.get("bidi_component")
    players = [one for one in drawn if one.proto.component_name == "kvviz_player"]
    return [json.loads(one.proto.json) for one in players]


def test_a_page_says_where_its_run_is_seen_and_goes_on_where_one_looked(model, monkeypatch):
    may_go, run = Event(), runs.run

    def waits(*args, **options):
        assert may_go.wait(PATIENCE_S)
        return run(*args, **options)

    page = Page("kv_cache", {"new": "2"})
    (before,) = vouchers(page)
    monkeypatch.setattr(runs, "run", waits)
    monkeypatch.setattr(RunState, "QUICK_S", 0.0)
    page.app.number_input(key="kv:new").set_value(3).run()
    page.app.button(key="kv:run").click().run()
    # The run before stands until there is something to see of the other.
    assert vouchers(page) == [before | {"grows": address(page.state.job)}]
    page.state.job.look.place = (4, 3)
    may_go.set()
    page.finish()
    header = page.player
    assert (header["n_steps"], header["view"]["layer"], header["view"]["head"]) == (3, 4, 3)
    assert "grows" not in vouchers(page)[0]
    # A head that nobody picked gives way to that of the whole run.
    may_go.clear()
    page.app.number_input(key="kv:new").set_value(4).run()
    page.app.button(key="kv:run").click().run()
    page.state.job.look.place = page.state.job.look.chosen = (2, 2)
    may_go.set()
    page.finish()
    view = page.player["view"]
    assert (view["layer"], view["head"]) == (4, 3), "where one looked last"
    # What is made anew for its times is on screen already.
    may_go.clear()
    page.app.button(key="kv:run").click().run()
    assert "grows" not in vouchers(page)[0]
    may_go.set()
    page.finish()


def test_the_first_run_of_a_page_is_seen_in_the_place_of_its_player(model, monkeypatch):
    may_go, run = Event(), runs.run

    def waits(*args, **options):
        assert may_go.wait(PATIENCE_S)
        return run(*args, **options)

    monkeypatch.setattr(runs, "run", waits)
    monkeypatch.setattr(RunState, "QUICK_S", 0.0)
    monkeypatch.setattr(Page, "finish", lambda page: page)
    page = Page("encoder_decoder", {"new": "2"})
    assert [(one["addresses"], one["grows"]) for one in vouchers(page)] == [
        ([], address(page.state.job))
    ]
    may_go.set()
    assert page.state.job.wait(PATIENCE_S)
