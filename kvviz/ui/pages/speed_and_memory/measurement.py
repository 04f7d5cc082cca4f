"""Something measured beside the race on request: its button, its progress, a way to stop it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

import streamlit as st

from kvviz.errors import RunCancelledError
from kvviz.translation import gettext as _
from kvviz.ui.parts import work_bar
from kvviz.ui.shell.errors_shown import show_error
from kvviz.ui.shell.plain_text import plain_html
from kvviz.ui.work.admission import Ask
from kvviz.ui.work.jobs import Job
from kvviz.ui.work.ticket_queue import TicketQueue

T = TypeVar("T")


class Measurement(Generic[T]):
    """A measurement that a person may ask for: not yet made, under way, or made.

    Args:
        name: What the keys of its button and of Cancel begin with.
        doing: What it does, in words that stand before its progress; translated when drawn.

    Attributes:
        job: The measurement under way, or None.
        result: What was found, or None before that.
        error: What went wrong last, or None.
        stopped: How far the last one was when it was stopped, done and in all; None if it was not.
    """

    def __init__(self, name: str, doing: str) -> None:
        self.name, self.doing = name, doing
        self.job: Job | None = None
        self.result: T | None = None
        self.error: Exception | None = None
        self.stopped: tuple[int, int] | None = None

    def start(self, work: Callable[[Job], T], queue: TicketQueue) -> None:
        """Begin to measure."""
        self.error = self.stopped = None
        # It times what a race has made.
        self.job = Job(work, queue, asks=Ask(), says=self._said)

    def _said(self, job: Job) -> str:
        """Say how far it is."""
        if job.phase != "running" or not job.step:
            return _(self.doing)
        # Translators: {doing} is what is done, such as "Timing the parts, repeat".
        return _("{doing}: {step:,} of {last:,}").format(
            doing=_(self.doing), step=job.step, last=job.n_steps
        )

    def stop(self) -> None:
        """Stop what is under way, without waiting for it."""
        if self.job is not None:
            self.job.cancel()
            self.job = None

    def forget(self) -> None:
        """Stop what is under way and forget what was found."""
        self.stop()
        self.result = self.error = self.stopped = None

    def collect(self, timeout: float) -> None:
        """Take the result if there is one by now, waiting for it a moment."""
        job = self.job
        if job is None or not job.wait(timeout):
            return
        self.job = None
        if isinstance(job.error, RunCancelledError):
            self.stopped = job.step, job.n_steps
        elif job.error is not None:
            self.error = job.error
        else:
            self.result = job.result


def draw(
    measurement: Measurement[T],
    label: str,
    *,
    start: Callable[[], None],
    busy: bool,
) -> None:
    """Draw the button that starts a measurement, or the one under way; nothing once it is made.

    Args:
        measurement: Which one.
        label: Words on the button.
        start: Called when the button is pressed.
        busy: Whether something else is timed now, which this one would disturb.
    """
    if measurement.job is not None:
        # not for people: a key
        work_bar.draw(measurement.job, f"kvviz-progress-{measurement.name}")
        return
    if measurement.result is not None:
        return
    if measurement.error is not None:
        show_error(measurement.error)
    name = measurement.name
    with st.container(horizontal=True, vertical_alignment="center", key=f"kvviz-request-{name}"):
        st.button(label, key=f"speed:{name}", on_click=start, disabled=busy)
        said = _("Wait until nothing else is timed.") if busy else _on_stopped(measurement)
        if said:
            st.html(f'<p class="kvviz-source" role="status">{plain_html(said)}</p>')


def _on_stopped(measurement: Measurement[T]) -> str:
    """Say that the last one was stopped, if it was."""
    if measurement.stopped is None:
        return ""
    done, n_steps = measurement.stopped
    if not done:
        return _("Cancelled: a part of a measurement says nothing, so none is kept.")
    return _(
        "Cancelled after {done:,} of {all:,}: a part of a measurement says nothing, so none is "
        "kept."
    ).format(done=done, all=n_steps)
