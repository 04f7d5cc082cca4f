"""Wait for a short job in place, with its progress and without holding the page."""

from __future__ import annotations

from typing import Any

import streamlit as st

from kvviz.ui.jobs import Job


def finished(job: Job, text: str) -> Any:
    """Return a job's result, drawing its progress until then.

    When the person goes on to something else, Streamlit leaves this function at the next draw, and
    the job is cancelled.

    Raises:
        Exception: What the job raised.
    """
    place = st.empty()
    try:
        while not job.wait(0.15):
            steps = f", step {job.step} of {job.n_steps}" if job.n_steps else ""
            fraction = job.step / job.n_steps if job.n_steps else 0.0
            place.progress(fraction, text=f"{text}{steps}")
    finally:
        job.cancel()
        place.empty()
    if job.error is not None:
        raise job.error
    return job.result
