import json
import subprocess
import sys
import time
from threading import Event, Timer

import pytest

from kvviz.errors import PromptError, RunCancelledError
from kvviz.translation import gettext, using
from kvviz.ui.work import attendance, job_endpoint, jobs
from kvviz.ui.work.job_endpoint import ADDRESS, LATER, JobEndpoint, kept_back_s
from kvviz.ui.work.jobs import Job
from kvviz.ui.work.ticket_queue import TicketQueue
from tests.pages.middleware_answer import answer_of

PATIENCE_S = 30


def test_a_job_gives_what_its_work_returns_and_its_place_to_the_next():
    queue = TicketQueue(1)
    job = Job(lambda job: 42, queue)
    assert job.wait(PATIENCE_S)
    assert (job.result, job.error, job.phase) == (42, None, "done")
    assert queue.wait(queue.join(), timeout=PATIENCE_S)


def test_what_the_work_raises_is_kept_and_the_place_given_back():
    queue = TicketQueue(1)

    def fail(job):
        raise PromptError("The prompt is empty.")

    job = Job(fail, queue)
    assert job.wait(PATIENCE_S)
    assert isinstance(job.error, PromptError)
    assert queue.wait(queue.join(), timeout=PATIENCE_S)


def test_progress_and_cancel_reach_the_work():
    running, stop = Event(), Event()

    def work(job):
        job.report(3, 8)
        running.set()
        stop.wait(PATIENCE_S)
        return job.cancelled()

    job = Job(work, TicketQueue(1))
    assert running.wait(PATIENCE_S)
    assert (job.phase, job.step, job.n_steps) == ("running", 3, 8)
    job.cancel()
    stop.set()
    assert job.wait(PATIENCE_S)
    assert job.result is True


def test_a_job_cancelled_in_the_line_never_starts():
    queue = TicketQueue(1)
    queue.join()
    started: list[Job] = []
    job = Job(started.append, queue)
    assert (job.phase, job.place) == ("waiting", 1)
    job.cancel()
    assert job.wait(PATIENCE_S)
    assert isinstance(job.error, RunCancelledError)
    assert started == []


AT_WORK = """
from threading import Event, Timer
from kvviz.engine import load_model, trace_generation
from kvviz.ui.work.jobs import Job
from kvviz.ui.work.ticket_queue import TicketQueue

begun = Event()

def work(job):
    model = load_model("kvviz/gpt2-mini")
    while not job.cancelled():
        trace_generation(model, "Once", max_new_tokens=4)
        begun.set()

jobs = [Job(work, TicketQueue(1)) for _ in range(4)]
assert begun.wait(100)
print("the end of the main thread")
"""


def test_an_interpreter_that_ends_while_models_run_ends_in_peace():
    """Without a wait it aborts about every other time; four jobs make it all but sure."""
    ended = subprocess.run(
        [sys.executable, "-c", AT_WORK], capture_output=True, text=True, timeout=120, check=False
    )
    assert (ended.returncode, ended.stdout, ended.stderr[-300:]) == (
        0, "the end of the main thread\n", ""
    )  # fmt: skip


def test_the_browser_is_told_how_far_a_job_is_and_stops_it():
    running, go_on = Event(), Event()

    def work(job):
        job.report(3, 8)
        running.set()
        assert go_on.wait(PATIENCE_S)
        return job.cancelled()

    job = Job(work, TicketQueue(1), shows=lambda: {"tokens": ["a"]})
    assert running.wait(PATIENCE_S)
    told = {
        "over": False, "fraction": 3 / 8, "said": "step 3 of 8", "stopping": False,
        "live": {"tokens": ["a"]},
    }  # fmt: skip
    assert asked(job) == (200, told)
    stopping = {**told, "said": "Stopping after this step…", "stopping": True}
    assert asked(job, "/cancel", "POST") == (200, stopping)
    go_on.set()
    assert job.wait(PATIENCE_S)
    assert job.result is True
    assert asked(job) == (200, {**stopping, "over": True})


def later(job, monkeypatch, most_s=PATIENCE_S):
    """Ask for an answer once there is something to tell; return it and the seconds it took."""
    monkeypatch.setattr(job_endpoint, "LEAST_S", most_s)
    monkeypatch.setattr(job_endpoint, "MOST_S", most_s)
    begun = time.monotonic()
    said = answered(f"/{ADDRESS}/{job.key}", query=LATER)
    return said, time.monotonic() - begun


def test_who_can_wait_is_told_as_soon_as_the_work_is_over(monkeypatch: pytest.MonkeyPatch):
    go_on = Event()
    job = Job(lambda job: go_on.wait(PATIENCE_S), TicketQueue(1))
    Timer(0.2, go_on.set).start()
    (code, said), seconds = later(job, monkeypatch)
    assert (code, said["over"]) == (200, True)
    assert 0.1 < seconds < PATIENCE_S / 2
    assert later(job, monkeypatch)[1] < PATIENCE_S / 2, "it is over"


def test_who_can_wait_is_told_how_far_it_is_after_a_while(monkeypatch: pytest.MonkeyPatch):
    go_on = Event()
    job = Job(lambda job: go_on.wait(PATIENCE_S), TicketQueue(1))
    (code, said), seconds = later(job, monkeypatch, 0.2)
    assert (code, said["over"]) == (200, False)
    assert seconds >= 0.2
    go_on.set()
    assert job.wait(PATIENCE_S)


def test_a_page_that_is_closed_while_a_question_is_under_way_is_not_taken_to_be_open(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(attendance, "LEFT_AFTER_S", 0.3)
    go_on = Event()
    job = Job(lambda job: go_on.wait(PATIENCE_S), TicketQueue(1))
    Timer(0.1, job.attendance.closes).start()
    later(job, monkeypatch, 0.5)
    assert job.cancelled()
    job.cancel()
    go_on.set()
    assert job.wait(PATIENCE_S)


def test_the_more_work_there_is_the_more_seldom_each_is_told_of(monkeypatch: pytest.MonkeyPatch):
    seconds = [kept_back_s(n) for n in (1, 8, 30, 60, 300)]
    assert seconds == pytest.approx([0.25, 0.25, 0.9, 1.8, 2.0])
    before, go_on, line = jobs.n_under_way(), Event(), TicketQueue(1)
    one, other = (Job(lambda job: go_on.wait(PATIENCE_S), line) for _ in range(2))
    assert jobs.n_under_way() == before + 2
    go_on.set()
    assert one.wait(PATIENCE_S)
    assert other.wait(PATIENCE_S)
    until = time.monotonic() + PATIENCE_S
    while jobs.n_under_way() != before:
        assert time.monotonic() < until


def test_a_job_speaks_the_language_of_who_started_it():
    with using("en-XA"):
        job = Job(lambda job: None, TicketQueue(1), says=lambda job: gettext("Cancel"))
        spoken = gettext("Cancel")
    assert spoken != "Cancel"
    assert asked(job)[1]["said"] == spoken


def test_a_page_that_is_closed_is_waited_for_a_moment_only(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(attendance, "LEFT_AFTER_S", 0.1)
    begun, again, ended = Event(), Event(), Event()

    def work(job):
        begun.set()
        while not job.cancelled():
            again.wait(0.01)
        ended.set()

    job = Job(work, TicketQueue(1))
    assert begun.wait(PATIENCE_S)
    assert not job.cancelled()
    assert asked(job, "/left", "POST") == (200, None)
    assert ended.wait(PATIENCE_S)
    job.cancel()


def test_what_is_no_question_about_a_job_goes_through_or_is_refused():
    job = Job(lambda job: 42, TicketQueue(1))
    assert job.wait(PATIENCE_S)
    assert asked(job)[0] == 200
    assert asked(job, "", "POST")[0] == 405
    assert asked(job, "/cancel", "GET")[0] == 405
    assert asked(job, "/aside", "GET")[0] == 405
    assert asked(job, "/aside", "POST") == (200, None)
    assert not job.cancelled()
    assert answered(f"/{ADDRESS}/unknown") == (200, None)
    for other in (
        "/",
        "/kv_cache",
        f"/{ADDRESS}",
        f"/{ADDRESS}/{job.key}/other",
        f"/{ADDRESS}/a/../b",
    ):
        assert answered(other) is None
    key = job.key
    del job
    assert answered(f"/{ADDRESS}/{key}") == (200, None)


def asked(job, end="", method="GET"):
    return answered(f"/{ADDRESS}/{job.key}{end}", method)


def answered(path, method="GET", root_path="", query=b""):
    """Return code and content of what the endpoint answers, or None if the request goes through."""
    answer = answer_of(JobEndpoint, path, method=method, root_path=root_path, query=query)
    if answer is None:
        return None
    code, headers, body = answer
    assert headers[b"cache-control"] == b"no-store"
    assert int(headers[b"content-length"]) == len(body)
    return code, json.loads(body)
