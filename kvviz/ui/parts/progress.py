"""A run under way: how far it is, its place in the line, and the way to stop it."""

from __future__ import annotations

import streamlit as st

from kvviz.translation import gettext as _
from kvviz.translation import ngettext
from kvviz.ui.parts.work_state import WorkState
from kvviz.ui.shell.errors_shown import bounded
from kvviz.ui.work.jobs import Job


@st.fragment(run_every=0.4)
@bounded
def draw(state: WorkState) -> None:
    """Draw the progress of the page's job, again and again until it is done."""
    job = state.job
    if job is None:
        return
    if job.wait():
        st.rerun()
    with st.container(border=True, key="kvviz-progress", horizontal=True,
                      vertical_alignment="center"):  # fmt: skip
        st.progress(job.step / job.n_steps if job.n_steps else 0.0, text=sentence(job))
        st.button(_("Cancel"), key="kv:cancel", on_click=job.cancel, disabled=job.cancelled())


def sentence(job: Job) -> str:
    """Say what a job is doing."""
    if job.cancelled():
        return _("Stopping after this step…")
    if job.phase == "waiting":
        before = job.place
        return ngettext(
            "Waiting in line: {n} run to go before this one",
            "Waiting in line: {n} runs to go before this one",
            before,
        ).format(n=before)
    if job.phase == "loading":
        return _("Loading the model. The first time after the start this takes some seconds")
    return _("step {step:,} of {last:,}").format(step=job.step, last=job.n_steps)
