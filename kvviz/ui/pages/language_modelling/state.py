"""What the page on learning from plain text remembers between reruns of its script."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import streamlit as st

from kvviz.errors import RunCancelledError
from kvviz.ui.pages.language_modelling import settings as links
from kvviz.ui.pages.language_modelling.readings import Reading
from kvviz.ui.pages.language_modelling.settings import TextSettings, TextView
from kvviz.ui.shell.address import Address
from kvviz.ui.shell.links import line_about
from kvviz.ui.work.jobs import Job

NAME = "language_modelling_page"
QUICK_S = 0.8
"""A reading that is done within this time is shown at once, without a progress bar in between."""


@dataclass
class TextState:
    """One person's page.

    Attributes:
        reading: The text on screen, read by the model that foresees the next token.
        view: What is looked at in it.
        job: The reading under way, or None.
        error: What went wrong last, drawn until the next reading.
        attempt: What was read last, or tried.
        wanted: The text that a link asks for, until its reading has begun.
        asked: Whether a button outside the controls asked for a reading of what they say.
        notes: Lines about what stands in the way of the link that was opened, or was cancelled.
        unusable: A phrase on each value of that link that could not be used.
        film_start: Point at which the film begins when it is mounted.
        address: The address bar.
    """

    reading: Reading | None = None
    view: TextView = field(default_factory=TextView)
    job: Job | None = None
    error: Exception | None = None
    attempt: TextSettings | None = None
    wanted: TextSettings | None = None
    asked: bool = False
    notes: tuple[str, ...] = ()
    unusable: tuple[str, ...] = ()
    film_start: int = 0
    address: Address = field(default_factory=Address)

    @classmethod
    def here(cls) -> TextState:
        """Return this session's state, new if there is none."""
        if NAME not in st.session_state:
            st.session_state[NAME] = cls()
        return st.session_state[NAME]

    def collect(self, timeout: float = QUICK_S) -> None:
        """Put the result of the job on screen if it is done, waiting for it a moment."""
        job = self.job
        if job is None or not job.wait(timeout):
            return
        self.job = None
        if isinstance(job.error, RunCancelledError):
            self.say_cancelled(job.error.what)
        elif job.error is not None:
            self.error = job.error
        elif job.cancelled():
            # Cancelled when the last pass was through: the person has been told that it stops.
            self.say_cancelled("The reading was cancelled.")
        else:
            self.show(job.result)

    def give_up_job(self) -> None:
        """Stop the reading under way, if there is one: what is on screen is wanted in its place."""
        if self.job is not None:
            self.job.cancel()
        self.job = None

    def say_cancelled(self, what: str) -> None:
        """Leave on screen what was there, and say so."""
        left = " Below is the text before, as it was read." if self.reading else ""
        self.notes = (f"{what}{left}",)
        self.settle()

    def show(self, reading: Reading) -> None:
        """Put a new reading on screen."""
        self.reading, self.error = reading, None
        self.unusable += self.settle()
        self.write_link()

    def settle(self) -> tuple[str, ...]:
        """Bring the beginning that is given inside the text; return a phrase if it was not."""
        given = self.view.given
        if self.reading is None or given is None or given in self.reading.cuts:
            return ()
        self.view = replace(self.view, given=None)
        last = max(self.reading.cuts, default=0)
        if not last:
            return (f"given is {given}, but this text has no beginning that could be given",)
        if given > last:
            return (f"given is {given}, but of this text 1 to {last} tokens can be given",)
        return (f"given is {given}, but this text cannot be cut after {given} tokens",)

    @property
    def lines(self) -> tuple[str, ...]:
        """What the page has to say about the link, and about what was cancelled."""
        line = line_about(self.unusable)
        return (line, *self.notes) if line else self.notes

    def write_link(self) -> None:
        """Put the text on screen and the view into the address bar."""
        shown = self.reading.settings if self.reading else self.attempt
        if shown is not None:
            self.address.write(links.write(shown, self.view))
