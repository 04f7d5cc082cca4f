import subprocess
import sys
from threading import Event

import pytest

from kvviz.errors import PromptError, RunCancelledError
from kvviz.ui.work import jobs
from kvviz.ui.work.jobs import Job
from kvviz.ui.work.ticket_queue import TicketQueue

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


def test_a_job_that_nobody_asks_about_any_more_stops(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(jobs, "ABANDONED_AFTER_S", -1.0)
    job = Job(lambda job: job.cancelled(), TicketQueue(1))
    assert job.wait(PATIENCE_S)
    assert job.result is True or isinstance(job.error, RunCancelledError)


AT_WORK = """
from threading import Event
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
