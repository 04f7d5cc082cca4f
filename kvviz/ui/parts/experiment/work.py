"""The work of an experiment: done once, off the page's thread, and kept with its subject."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from contextlib import nullcontext
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from kvviz.errors import LimitError, RunCancelledError
from kvviz.translation import N_
from kvviz.translation import gettext as _
from kvviz.ui.parts import work_bar
from kvviz.ui.parts.experiment.record import Key, Record
from kvviz.ui.shell.environment import Environment
from kvviz.ui.shell.errors_shown import show_error
from kvviz.ui.shell.plain_text import plain_html
from kvviz.ui.work import runs
from kvviz.ui.work.admission import Ask
from kvviz.ui.work.jobs import Job

TELL_AFTER_S = 0.3
"""A job that is done within this time is not worth a progress bar that flashes by."""

NOTHING_KEPT = N_("Cancelled: nothing was kept of it.")


@dataclass(frozen=True)
class Work:
    """A piece of work.

    Attributes:
        name: What kind of work it is; only one of a kind is under way at a time.
        about: All that it depends on: with something else it is done anew.
        words: What it does, in words that stand before its progress.
        run: The work; it may report to the job, and should look whether it is cancelled.
        asks: What it asks for, by which it is admitted or not.
        kept: Returns what it gives where that is at hand already, else None. That is no work, and
            nobody's run.
    """

    name: str
    about: Hashable
    words: str
    run: Callable[[Job], Any]
    asks: Ask = Ask()  # noqa: RUF009 - frozen
    kept: Callable[[], Any] = lambda: None

    def result(self, place: DeltaGenerator | None = None, room: int = 0) -> Any:
        """Return what it gives, drawing its progress and Cancel until then.

        A drawing that is cut short leaves the work going on, and the next one finds it again.

        Args:
            place: Where progress is drawn; here if None.
            room: Height in pixels that is held free below it, for what is to come.

        Raises:
            RunCancelledError: If the person cancelled it, or a limit of this installation stands
                in the way; what says so has then been drawn, with a button to do it after all.
            Exception: What the work raised.
        """
        record, key = Record.here(), (self.name, self.about)
        # A slot that is always there: what is told below it keeps its place.
        with place if place is not None else nullcontext(), st.container():
            try:
                if key in record.stopped and key not in record.results:
                    raise _nothing_kept()
                return record.kept(key, lambda: self._make(record, key, room))
            except RunCancelledError:
                self._offer_again(record, key)
                raise
            except LimitError as error:
                show_error(error)
                # To draw it anew is to try again.
                st.button(_("Try again"), key=f"do:{self.name}:again")
                raise RunCancelledError(error.what, found=error.found, fix=error.fix) from error

    def _make(self, record: Record, key: Key, room: int) -> Any:
        if (kept := self.kept()) is not None:
            return kept
        job = record.jobs.get(key)
        if job is None or job.is_cancelled:
            queue = runs.queue(Environment.read().concurrency)
            job = record.begin(key, Job(self.run, queue, asks=self.asks, says=self._said))
        # One drawing may have to wait for several things of a kind.
        digest = sha256(repr(self.about).encode()).hexdigest()[:10]
        watch(job, f"kvviz-do:{self.name}:{digest}", room)
        if job.is_cancelled:
            record.stop(key)
            raise _nothing_kept()
        record.jobs.pop(key, None)
        if job.error is not None:
            raise job.error
        return job.result

    def _said(self, job: Job) -> str:
        """Say how far the work is."""
        if not job.n_steps:
            return self.words
        # Translators: Progress of what is named first, such as "Running free: 3 of 12".
        return _("{work}: {step:,} of {last:,}").format(
            work=self.words, step=job.step, last=job.n_steps
        )

    def _offer_again(self, record: Record, key: Key) -> None:
        with st.container(
            border=True,
            horizontal=True,
            vertical_alignment="center",
            key=f"kvviz-card-stopped-{self.name}",
        ):
            st.html(f'<p class="kvviz-body" role="status">{plain_html(_(NOTHING_KEPT))}</p>')
            st.button(
                _("Do it again"),
                key=f"do:{self.name}:again",
                on_click=lambda: record.stopped.discard(key),
            )


def _nothing_kept() -> RunCancelledError:
    return RunCancelledError(_(NOTHING_KEPT), fix=_("Do it again if you want to see it."))


def watch(job: Job, key: str, room: int = 0) -> None:
    """Draw a job until it is done or cancelled, or until the page is drawn anew.

    Args:
        job: The job.
        key: Of its bar.
        room: Height in pixels that is held free below, 0 for none.
    """
    place = st.empty()
    try:
        if job.wait(TELL_AFTER_S):
            return
        with place.container():
            work_bar.draw(job, key, wakes=False)
            if room:
                st.skeleton(height=room)
        while not (job.wait(0.1) or job.is_cancelled):
            # Streamlit breaks in where its state is read, if the page is to be drawn anew.
            Record.here()
    finally:
        place.empty()
