"""What the KV cache page remembers between reruns of its script."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import Any

import streamlit as st

from kvviz.player import fingerprint
from kvviz.ui.jobs import Job
from kvviz.ui.links import Link, RunSettings, View, within
from kvviz.ui.runs import Shown

IN_FLIGHT_S = 2.0
"""A message that the browser sent before it knew the newest address arrives within this time."""


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
        asked: Whether a button outside the controls asked for a run of what the controls say.
        notes: Lines about the link that was opened.
        mount: Counts the times the player was told to forget its view.
        link: Query parameters as this page last wrote them; None before its first run.
        upload: Id of the file that was opened last; the page's widget goes on holding it.
        experiments: Answers and results of the page's questions, kept for the run they belong to.
    """

    shown: Shown | None = None
    view: View = field(default_factory=View)
    job: Job | None = None
    coming: View | None = None
    by_link: bool = False
    error: Exception | None = None
    attempt: RunSettings | None = None
    asked: bool = False
    notes: tuple[str, ...] = ()
    mount: int = 0
    link: dict[str, str] | None = None
    upload: str = ""
    experiments: dict[str, Any] = field(default_factory=dict)
    _link_before: dict[str, str] | None = None
    _written: float = 0.0

    @classmethod
    def here(cls) -> PageState:
        """Return this session's state, new if there is none."""
        if "kv_cache_page" not in st.session_state:
            st.session_state["kv_cache_page"] = cls()
        return st.session_state["kv_cache_page"]

    def incoming_link(self) -> dict[str, str] | None:
        """Return the address bar's parameters if the person brought them, else None.

        They did if they are not what this page wrote, and not what it wrote just before either:
        a message already on its way still carries the address of a moment ago.
        """
        parameters = dict(st.query_params)
        if self.link is None:
            return parameters
        in_flight = parameters == self._link_before and time.monotonic() < self._written
        if not parameters or parameters == self.link or in_flight:
            return None
        return parameters

    def write_link(self, parameters: dict[str, str]) -> None:
        """Put parameters into the address bar."""
        if parameters != self.link:
            self._link_before, self.link = self.link, parameters
            self._written = time.monotonic() + IN_FLIGHT_S
        if dict(st.query_params) != parameters:
            st.query_params.from_dict(parameters)

    def show(self, shown: Shown) -> None:
        """Put a new run on screen.

        The very same run made again keeps the view, unless a link names another one.
        """
        again = self.shown is not None and (
            fingerprint(self.shown.subject) == fingerprint(shown.subject)
        )
        self.shown, self.error, self.experiments = shown, None, {}
        if self.coming is not None and (self.by_link or not again):
            self.view = self.coming
            self.mount += again
        self.settle()

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
            self.mount += 1
