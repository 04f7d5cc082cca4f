"""What a page with a player remembers between reruns of its script."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import streamlit as st

from kvviz.player import fingerprint
from kvviz.ui.shell.address import Address
from kvviz.ui.shell.links import Link, RunSettings, View, within
from kvviz.ui.work.jobs import Job
from kvviz.ui.work.runs import ShownRun


@dataclass
class PageState:
    """One person's page.

    Attributes:
        shown: The run on screen, or None before the first.
        view: What is looked at in it.
        job: The run that is under way, or None.
        coming: What to look at when that run is there; None to stay where one looks.
        by_link: Whether a link asked for that run, so that its view must be kept to.
        error: What went wrong last, drawn until the next run.
        attempt: What was run last, or tried.
        wanted: The run that a link asks for, until it has begun.
        asked: Whether a button outside the controls asked for a run of what the controls say.
        notes: Lines about the link that was opened.
        view_number: Counts the times the player was told to take on a view of the page's.
        address: The address bar.
        upload: Id of the file that was opened last; the page's widget goes on holding it.
    """

    shown: ShownRun | None = None
    view: View = field(default_factory=View)
    job: Job | None = None
    coming: View | None = None
    by_link: bool = False
    error: Exception | None = None
    attempt: RunSettings | None = None
    wanted: RunSettings | None = None
    asked: bool = False
    notes: tuple[str, ...] = ()
    view_number: int = 0
    address: Address = field(default_factory=Address)
    upload: str = ""

    @classmethod
    def here(cls, name: str) -> PageState:
        """Return this session's state of the page of that name, new if there is none."""
        if name not in st.session_state:
            st.session_state[name] = cls()
        return st.session_state[name]

    def show(self, shown: ShownRun) -> None:
        """Put a new run on screen.

        The very same run made again keeps the view, unless a link names another one.
        """
        again = self.shown is not None and (
            fingerprint(self.shown.subject) == fingerprint(shown.subject)
        )
        self.shown, self.error = shown, None
        if self.coming is not None and (self.by_link or not again):
            self.view = self.coming
            self.view_number += again
        self.settle()

    def give_up_job(self) -> None:
        """Stop the run under way, if there is one: what is on screen is wanted in its place."""
        if self.job is not None:
            self.job.cancel()
        self.job = None

    def settle(self) -> None:
        """Bring the view inside the run on screen, when a run has come or did not come."""
        shown, self.coming = self.shown, None
        if shown is None:
            return
        card = shown.trace.model
        self.view, unusable = within(self.view, shown.n_steps, card.n_layers, card.n_heads)
        if unusable and self.by_link:
            self.notes += (Link(unusable=unusable).line,)
        self.by_link = False
        if self.view.cache not in shown.caches:
            # The player still waits for the other way, and has to begin anew to give that up.
            self.view = replace(self.view, cache=shown.caches[0])
            self.view_number += 1
