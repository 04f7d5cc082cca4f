"""Work on a thread of its own, with a place in the line, progress and a way to cancel it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from threading import Event
from typing import Any, Literal

from kvviz.errors import RunCancelledError
from kvviz.translation import gettext as _
from kvviz.ui.work import workers
from kvviz.ui.work.ticket_queue import TicketQueue

Phase = Literal["waiting", "loading", "running", "done"]

ABANDONED_AFTER_S = 120.0
"""A page that has not asked for so long is gone: browsers wake a hidden tab once a minute."""

log = logging.getLogger(__name__)


class Job:
    """One piece of work that a page waits for.

    The work is called with the job. It calls `report` as it goes on and looks at `cancelled`;
    what it returns is `result`, what it raises is `error`.

    Attributes:
        phase: ``waiting`` for its turn, ``loading`` a model, ``running``, or ``done``.
        step: Steps done.
        n_steps: Steps to do.
        result: What the work returned, once done.
        error: What it raised instead.
    """

    def __init__(self, work: Callable[[Job], Any], queue: TicketQueue) -> None:
        self.phase: Phase = "waiting"
        self.step = 0
        self.n_steps = 0
        self.result: Any = None
        self.error: Exception | None = None
        self.started = time.monotonic()
        self._asked = time.monotonic()
        self._work = work
        self._queue = queue
        self._ticket = queue.join()
        self._cancelled = Event()
        self._done = Event()
        workers.start(self._run, "kvviz-run")

    @property
    def place(self) -> int:
        """How many go before: 0 when it is this job's turn."""
        return self._queue.place(self._ticket)

    @property
    def seconds(self) -> float:
        """Time since it was asked for."""
        return time.monotonic() - self.started

    def cancel(self) -> None:
        """Ask the work to stop after its present step."""
        self._cancelled.set()

    def cancelled(self) -> bool:
        """Whether the work should stop: it was cancelled, or nobody waits for it any more."""
        if workers.ending.is_set() or time.monotonic() - self._asked > ABANDONED_AFTER_S:
            self._cancelled.set()
        return self._cancelled.is_set()

    def report(self, step: int, n_steps: int) -> None:
        """Say how far the work is."""
        self.phase, self.step, self.n_steps = "running", step, n_steps

    def wait(self, timeout: float = 0.0) -> bool:
        """Wait at most so many seconds; return whether the work is done."""
        self._asked = time.monotonic()
        return self._done.wait(timeout)

    def _run(self) -> None:
        try:
            while not self._queue.wait(self._ticket, timeout=0.2):
                if self.cancelled():
                    raise RunCancelledError(
                        _("The run was cancelled while it waited for its turn."),
                        fix=_("Press Run to start it again."),
                    )
            self.phase = "loading"
            self.result = self._work(self)
        except Exception as error:
            self.error = error
        finally:
            self._queue.leave(self._ticket)
            self.phase = "done"
            self._done.set()
