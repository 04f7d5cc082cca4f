"""Wait for a short job in place, with its progress and a way out, and without holding the page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from kvviz.ui.work.jobs import Job

TELL_AFTER_S = 0.3
"""A job that is done within this time is not worth a progress bar that flashes by."""


def finished(job: Job, text: str, *, key: str, on_cancel: Callable[[], None]) -> Any:
    """Return a job's result, drawing its progress and Cancel until then.

    When the person cancels, or goes on to something else, Streamlit leaves this function at the
    next draw, and the job is cancelled.

    Args:
        job: The job.
        text: What it does, in words that stand before its progress.
        key: Name of the waiting on the page, for its button.
        on_cancel: Called when Cancel is pressed, before the page is drawn again; it should
            remember that the job is not wanted, or drawing the page starts it anew.

    Raises:
        Exception: What the job raised.
    """
    place = st.empty()
    try:
        if not job.wait(TELL_AFTER_S):
            with place.container(
                border=True, horizontal=True, vertical_alignment="center", key=f"kvviz-wait-{key}"
            ):
                bar = st.empty()
                st.button("Cancel", key=f"{key}:cancel", on_click=on_cancel)
            while not job.wait(0.15):
                steps = f": {job.step:,} of {job.n_steps:,}" if job.n_steps else ""
                fraction = job.step / job.n_steps if job.n_steps else 0.0
                bar.progress(fraction, text=f"{text}{steps}")
    finally:
        job.cancel()
        place.empty()
    if job.error is not None:
        raise job.error
    return job.result
