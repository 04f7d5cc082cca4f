"""Work on a thread of its own, with a place in the line, progress and a way to cancel it."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from threading import Event
from typing import TYPE_CHECKING, Any, Literal, TypedDict
from weakref import WeakValueDictionary

from streamlit.runtime.scriptrunner import get_script_run_ctx

from kvviz.errors import KvvizError, RunCancelledError
from kvviz.serving import workers
from kvviz.translation import gettext as _
from kvviz.translation import language, ngettext, using
from kvviz.ui.shell.drawing_turns import drawing_turns
from kvviz.ui.work.admission import Ask, admit
from kvviz.ui.work.attendance import Attendance
from kvviz.ui.work.ticket_queue import Ticket, TicketQueue

if TYPE_CHECKING:
    from kvviz.ui.work.run_so_far import GrowingLook, RunSoFar

Phase = Literal["waiting", "loading", "running", "done"]

FORGOTTEN_AFTER_S = 180.0
"""Who comes back until then has their place in the line, or the work done after all. Streamlit
forgets the session of a tab that is cut off after two minutes."""
LOOKS_EVERY_S = 0.5
ASKS_EVERY_S = 10.0
"""A script that waits for work is there as long as it waits."""

log = logging.getLogger(__name__)


class Status(TypedDict):
    """What a page draws of a job under way.

    Attributes:
        fraction: How much of it is done, 0 to 1.
        said: The same in words.
        stopping: Whether the person has cancelled it.
        over: Whether it is done, well or not.
        live: What the work shows of itself while it goes on, None if nothing.
    """

    fraction: float
    said: str
    stopping: bool
    over: bool
    live: Any


class Job:
    """One piece of work that a page waits for.

    The work is called with the job. It calls `report` as it goes on and looks at `cancelled`;
    what it returns is `result`, what it raises is `error`. Where nobody is there any more the work
    is let go of, and others have its place; if they come back in time it is done anew, from the
    place in the line that it had.

    What this installation does not admit is over at once, with the reason as its error: it joins no
    line and takes no thread, and its page tells it as it tells whatever else went wrong.

    Attributes:
        phase: ``waiting`` for its turn, ``loading`` a model, ``running``, or ``done``.
        step: Steps done.
        n_steps: Steps to do.
        result: What the work returned, once done.
        error: What it raised instead.
        key: What the browser asks for it by; nobody can guess another person's.
        attendance: Whether somebody waits for it.
        language: In which it has something to say, that of who started it.
        so_far: What there is to see of the work while it goes on, None before and after.
        look: How a browser looks at that, None where none does.
    """

    def __init__(
        self,
        work: Callable[[Job], Any],
        queue: TicketQueue,
        *,
        asks: Ask = Ask(),  # noqa: B008 - frozen
        says: Callable[[Job], str] | None = None,
        shows: Callable[[], Any] | None = None,
    ) -> None:
        """Begin, or get in line.

        Args:
            work: The work.
            queue: The line that it waits in.
            asks: What it asks for, by which it is admitted or not.
            says: Says what the work does once it has its turn; counts steps if None.
            shows: Returns what can be seen of the work under way, in what JSON can hold.
        """
        self.phase: Phase = "waiting"
        self.step = 0
        self.n_steps = 0
        self.result: Any = None
        self.error: Exception | None = None
        self.started = time.monotonic()
        self.key = secrets.token_urlsafe(16)
        self.so_far: RunSoFar | None = None
        self.look: GrowingLook | None = None
        self._says = says or counted
        self._shows = shows
        self.language = language()
        self._work = work
        self._queue = queue
        context = get_script_run_ctx(suppress_warning=True)
        session = None if context is None else context.session_id
        self.attendance = Attendance(session)
        self._cancelled = Event()
        self._let_go = Event()
        self._done = Event()
        self._hearers: list[Callable[[], object]] = []
        self._watchers: list[Callable[[], object]] = []
        _jobs[self.key] = self
        try:
            admit(asks)
        except KvvizError as error:
            self._ticket, self.error = Ticket(session), error
            self._end()
            return
        self._ticket = queue.join(session)
        _under_way.add(self.key)
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
        self.attendance.heard.set()

    @property
    def is_cancelled(self) -> bool:
        """Whether the person has cancelled it."""
        return self._cancelled.is_set()

    def cancelled(self) -> bool:
        """Whether the work should stop: it was cancelled, or nobody waits for it any more.

        Work that was told to stop is not told to go on: what it comes to may be half of it.
        """
        if workers.ending.is_set():
            self._cancelled.set()
        elif not self.attendance.is_there:
            self._let_go.set()
        return self._cancelled.is_set() or self._let_go.is_set()

    def report(self, step: int, n_steps: int) -> None:
        """Say how far the work is."""
        self.phase, self.step, self.n_steps = "running", step, n_steps

    def show(self, so_far: RunSoFar) -> None:
        """Let what there is of the work by now be seen."""
        self.so_far = so_far
        for hear in list(self._watchers):
            hear()

    def wait(self, timeout: float = 0.0) -> bool:
        """Wait at most so many seconds, for a page; return whether the work is done."""
        self.attendance.page_asks()
        if not timeout or self._done.is_set():
            return self._done.is_set()
        until = time.monotonic() + timeout
        with drawing_turns.away():
            while not self._done.wait(min(timeout, ASKS_EVERY_S)):
                timeout = until - time.monotonic()
                if timeout <= 0:
                    return False
                self.attendance.page_asks()
        return True

    @contextmanager
    def telling(self, hear: Callable[[], object], *, of_more: bool = False) -> Generator[None]:
        """Inside the ``with`` call `hear` once the work is done, on whatever thread.

        Args:
            hear: What to call.
            of_more: Whether to call it also each time that there is more to see of the work.
        """
        lists = [self._hearers, self._watchers] if of_more else [self._hearers]
        for one in lists:
            one.append(hear)
        try:
            if self._done.is_set():
                hear()
            yield
        finally:
            for one in lists:
                one.remove(hear)

    def status(self) -> Status:
        """Return what a page draws of the job, in the language of who started it."""
        with using(self.language):
            return {
                "over": self._done.is_set(),
                "fraction": self.step / self.n_steps if self.n_steps else 0.0,
                "said": self._said(),
                "stopping": self.is_cancelled,
                "live": None if self._shows is None else self._shows(),
            }

    def _said(self) -> str:
        if self.is_cancelled:
            return _("Stopping after this step…")
        before = self.place
        if before:
            line = ngettext(
                "Waiting in line: {n} run to go before this one",
                "Waiting in line: {n} runs to go before this one",
                before,
            ).format(n=before)
            seconds = self._queue.seconds(self._ticket)
            if seconds is None:
                return line
            about = max(1, round(seconds))
            return ngettext(
                "{line}, about {seconds:,} second", "{line}, about {seconds:,} seconds", about
            ).format(line=line, seconds=about)
        return self._says(self)

    def _run(self) -> None:
        try:
            self._attempt()
            while self._let_go.is_set() and self._has_come_back():
                self._attempt()
        finally:
            _under_way.discard(self.key)
            self._end()

    def _end(self) -> None:
        self.phase = "done"
        self._done.set()
        for hear in list(self._hearers):
            hear()

    def _attempt(self) -> None:
        self.result = self.error = None
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
            self.so_far = None

    def _has_come_back(self) -> bool:
        """Wait for somebody who is not there; return whether they came, and are in the line again.

        Meanwhile the job takes no place and does nothing.
        """
        self.phase, self.step, self.n_steps = "waiting", 0, 0
        _under_way.discard(self.key)
        attendance = self.attendance
        while not attendance.is_there:
            is_forgotten = time.monotonic() - attendance.last > FORGOTTEN_AFTER_S
            if is_forgotten or self.is_cancelled or workers.ending.is_set():
                self._cancelled.set()
                return False
            attendance.heard.wait(LOOKS_EVERY_S)
            attendance.heard.clear()
        _under_way.add(self.key)
        self._let_go.clear()
        self._queue.rejoin(self._ticket)
        return True


_jobs: WeakValueDictionary[str, Job] = WeakValueDictionary()
_under_way: set[str] = set()


def n_under_way() -> int:
    """Return how many jobs are in the line or at work."""
    return len(_under_way)


def find(key: str) -> Job | None:
    """Return the job of that key, as long as its page or its work remembers it."""
    return _jobs.get(key)


def counted(job: Job) -> str:
    """Say how many steps a job has done, or that it loads the model."""
    if job.phase != "running":
        return _("Loading the model. The first time after the start this takes some seconds")
    return _("step {step:,} of {last:,}").format(step=job.step, last=job.n_steps)


def result_of(work: Callable[[Job], Any]) -> Any:
    """Return what a piece of a page's work comes to, for what makes a result that ships.

    Raises:
        Exception: What it raised.
    """
    job = Job(work, TicketQueue(1), asks=Ask())
    while not job.wait(60.0):
        pass
    if job.error is not None:
        raise job.error
    return job.result
