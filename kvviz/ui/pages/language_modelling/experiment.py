"""An experiment on the text on screen: run once, off the page's thread, and kept with the text."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

import streamlit as st

from kvviz.errors import RunCancelledError
from kvviz.ui.pages.language_modelling.state import QUICK_S, TextState
from kvviz.ui.shell.environment import Environment
from kvviz.ui.shell.errors_shown import bounded
from kvviz.ui.work import runs
from kvviz.ui.work.jobs import Job


def outcome(
    state: TextState,
    key: Hashable,
    work: Callable[[Job], Any],
    environment: Environment,
    words: str,
) -> Any:
    """Return what an experiment gave, or None while it is under way and its progress is drawn.

    Args:
        state: Where jobs and results are kept.
        key: What was asked for; the same key is not run twice for one text.
        work: What to run.
        environment: The limits of this installation.
        words: What is being done, for the progress bar.

    Raises:
        Exception: What the work raised, again each time it is asked for.
    """
    if key not in state.results:
        job = state.jobs.get(key)
        if job is None:
            job = state.jobs[key] = Job(work, runs.queue(environment.concurrency))
        if not job.wait(QUICK_S):
            watch(state, job, words)
            return None
        del state.jobs[key]
        if isinstance(job.error, RunCancelledError):
            raise job.error
        state.results[key] = job.error or job.result
    found = state.results[key]
    if isinstance(found, Exception):
        raise found
    return found


@st.fragment(run_every=0.4)
@bounded
def watch(state: TextState, job: Job, words: str) -> None:
    """Draw the progress of a job, again and again until it is done."""
    if job.wait():
        st.rerun()
    fraction = job.step / job.n_steps if job.n_steps else 0.0
    steps = f", step {job.step:,} of {job.n_steps:,}" if job.n_steps > 1 else ""
    before = f": {job.place} to go before it" if job.phase == "waiting" else ""
    st.progress(fraction, text=f"{words}{steps}{before}")
