"""What the KV cache page remembers between reruns of its script."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from kvviz.ui.jobs import Job
from kvviz.ui.links import RunSettings, View
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
        error: What went wrong last, drawn until the next run.
        attempt: What was run last, or tried.
        asked: Whether a button outside the controls asked for a run of what the controls say.
        notes: Lines about the link that was opened.
        mount: Counts the times the player was told to forget its view.
        link: Query parameters as this page last wrote them; None before its first run.
        experiments: Answers and results of the page's questions, kept for the run they belong to.
    """

    shown: Shown | None = None
    view: View = field(default_factory=View)
    job: Job | None = None
    error: Exception | None = None
    attempt: RunSettings | None = None
    asked: bool = False
    notes: tuple[str, ...] = ()
    mount: int = 0
    link: dict[str, str] | None = None
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
        """Put a new run on screen."""
        self.shown = shown
        self.error = None
        self.experiments = {}
