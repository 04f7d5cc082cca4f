"""Something measured beside the race on request: its button, its progress, a way to stop it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

import streamlit as st

from kvviz.errors import RunCancelledError
from kvviz.ui.parts.progress import sentence
from kvviz.ui.shell.errors_shown import bounded, show_error
from kvviz.ui.shell.plain_text import plain_html
from kvviz.ui.work.jobs import Job
from kvviz.ui.work.ticket_queue import TicketQueue

T = TypeVar("T")


class Measurement(Generic[T]):
    """A measurement that a person may ask for: not yet made, under way, or made.

    Args:
        name: What the keys of its button and of Cancel begin with.
        doing: What it does, in words that stand before its progress.

    Attributes:
        job: The measurement under way, or None.
        result: What was found, or None before that.
        error: What went wrong last, or None.
        note: What is to be said of one that was stopped.
    """

    def __init__(self, name: str, doing: str) -> None:
        self.name, self.doing = name, doing
        self.job: Job | None = None
        self.result: T | None = None
        self.error: Exception | None = None
        self.note = ""

    def start(self, work: Callable[[Job], T], queue: TicketQueue) -> None:
        """Begin to measure."""
        self.error, self.note = None, ""
        self.job = Job(work, queue)

    def stop(self) -> None:
        """Stop what is under way, without waiting for it."""
        if self.job is not None:
            self.job.cancel()
            self.job = None

    def forget(self) -> None:
        """Stop what is under way and forget what was found."""
        self.stop()
        self.result, self.error, self.note = None, None, ""

    def collect(self, timeout: float) -> None:
        """Take the result if there is one by now, waiting for it a moment."""
        job = self.job
        if job is None or not job.wait(timeout):
            return
        self.job = None
        if isinstance(job.error, RunCancelledError):
            done = f" after {job.step:,} of {job.n_steps:,}" if job.step else ""
            self.note = f"Cancelled{done}: a part of a measurement says nothing, so none is kept."
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
        _under_way(measurement)
        return
    if measurement.result is not None:
        return
    if measurement.error is not None:
        show_error(measurement.error)
    name = measurement.name
    with st.container(horizontal=True, vertical_alignment="center", key=f"kvviz-request-{name}"):
        st.button(label, key=f"speed:{name}", on_click=start, disabled=busy)
        said = "Wait until nothing else is timed." if busy else measurement.note
        if said:
            st.html(f'<p class="kvviz-source" role="status">{plain_html(said)}</p>')


@st.fragment(run_every=0.35)
@bounded
def _under_way(measurement: Measurement[T]) -> None:
    """Draw how far the measurement is, again and again until it is over."""
    job = measurement.job
    if job is None:
        return
    if job.wait():
        st.rerun()
    with st.container(border=True, key=f"kvviz-progress-{measurement.name}", horizontal=True,
                      vertical_alignment="center"):  # fmt: skip
        text = sentence(job)
        if job.phase == "running" and not job.cancelled():
            text = measurement.doing + (f": {job.step:,} of {job.n_steps:,}" if job.step else "")
        st.progress(job.step / job.n_steps if job.n_steps else 0.0, text=text)
        st.button("Cancel", key=f"speed:{measurement.name}:cancel", on_click=job.cancel,
                  disabled=job.cancelled())  # fmt: skip
