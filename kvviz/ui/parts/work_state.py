"""What a page that waits for work remembers, and how the work's end is taken in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from kvviz.errors import KvvizError, RunCancelledError
from kvviz.ui.shell.environment import Environment
from kvviz.ui.shell.page_state import PageState
from kvviz.ui.work import runs
from kvviz.ui.work.jobs import Job


@dataclass
class WorkState(PageState):
    """One person's page that works on what its controls say.

    Attributes:
        job: The work that is under way, or None.
        error: What went wrong last, drawn until the next work begins.
        asked: Whether a button outside the controls asked for the work that they say.
    """

    QUICK_S: ClassVar[float] = 0.8
    """What is done within this time is shown at once, without a progress bar in between."""

    job: Job | None = None
    error: Exception | None = None
    asked: bool = False

    def may_load(self, model: str, environment: Environment) -> bool:
        """Return whether a model may be loaded for this person; the error says why not."""
        try:
            environment.require(model, typed_here=runs.is_local_visitor())
        except KvvizError as error:
            self.error = error
            return False
        return True

    def give_up_job(self) -> None:
        """Stop the work under way, if there is such."""
        if self.job is not None:
            self.job.cancel()
        self.job = None

    def collect(self, wait_s: float | None = None) -> None:
        """Put the result of the job on screen if it is done.

        Args:
            wait_s: For how long to wait for it; a moment if it is not said.
        """
        job = self.job
        if job is None or not job.wait(self.QUICK_S if wait_s is None else wait_s):
            return
        self.job = None
        if isinstance(job.error, RunCancelledError):
            self.say_cancelled(job.error.what)
        elif job.error is not None:
            self.fail(job.error)
        else:
            self.take(job)

    def say_cancelled(self, what: str) -> None:
        """Leave on screen what was there, and say so."""
        self.notes = (what,)

    def fail(self, error: Exception) -> None:
        """Leave on screen what was there, and tell what went wrong."""
        self.error = error

    def take(self, job: Job) -> None:
        """Take in what a job has made, also one that was cancelled on the way."""
        self.show(job.result)

    def show(self, result: Any) -> None:
        """Put the result of a job on screen."""
        raise NotImplementedError
