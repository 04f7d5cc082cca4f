"""A run under way: how far it is, its place in the line, and the way to stop it."""

from __future__ import annotations

from typing import Protocol

import streamlit as st

from kvviz.ui.shell.errors_shown import bounded
from kvviz.ui.work.jobs import Job


class Waiting(Protocol):
    """A page that waits for a job."""

    job: Job | None


@st.fragment(run_every=0.4)
@bounded
def draw(state: Waiting) -> None:
    """Draw the progress of the page's job, again and again until it is done."""
    job = state.job
    if job is None:
        return
    if job.wait():
        st.rerun()
    with st.container(border=True, key="kvviz-progress", horizontal=True,
                      vertical_alignment="center"):  # fmt: skip
        st.progress(job.step / job.n_steps if job.n_steps else 0.0, text=sentence(job))
        st.button("Cancel", key="kv:cancel", on_click=job.cancel, disabled=job.cancelled())


def sentence(job: Job) -> str:
    """Say what a job is doing."""
    if job.cancelled():
        return "Stopping after this step…"
    if job.phase == "waiting":
        before = job.place
        return f"Waiting in line: {before} {'run' if before == 1 else 'runs'} to go before this one"
    if job.phase == "loading":
        return "Loading the model. The first time after the start this takes some seconds"
    return f"step {job.step:,} of {job.n_steps:,}"
