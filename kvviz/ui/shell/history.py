"""Steps through the browser's history, as the browser itself tells them.

The query that a message of Streamlit's carries cannot tell whether the person went back or the
message was sent before the page's latest address arrived. The browser knows: a small component
tells each step, with the address it led to, and every message from then on carries it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from kvviz.ui.shell.front_end import front_end
from kvviz.ui.shell.page_list import PAGES

KEY = "kvviz-history-steps"
"""Key of the component."""
_NEWEST = "kvviz:history"
"""The newest step that was told, and whether a page has still to follow it."""

_UNSETTLED = "kvviz:unsettled"
"""Set from a step on until the script has run through once."""

LONGEST_ADDRESS = 100_000


@dataclass(frozen=True)
class Step:
    """A step through the history.

    Attributes:
        when: Tells one step from another.
        page: Url path of the page it led to; empty for the home page.
        parameters: Query parameters of that address.
    """

    when: float
    page: str
    parameters: dict[str, str]


def _component() -> Callable[..., Any]:
    """Return what mounts it."""
    return front_end("kvviz_history", Path(__file__).parent / "history.js")


def listen(page: str) -> None:
    """Put the component on the page, and keep the newest step that it has told.

    Args:
        page: Url path of the page that this run of the script is for. A step that led to another
            one is not to be followed: the person has gone on from there by a link.
    """
    names = [entry.name for entry in PAGES[1:]]
    with st.container(key="kvviz-history"):
        _component()(key=KEY, data={"page": page, "pages": names}, on_step_change=lambda: None)
    step = new_step()
    if step is not None:
        st.session_state[_NEWEST] = step, step.page == page
        st.session_state[_UNSETTLED] = True
    elif _NEWEST not in st.session_state:
        # What a session is told in its first message was followed by the session before it.
        st.session_state[_NEWEST] = told(), False
    if flagged():
        st.session_state[_UNSETTLED] = True
    if st.session_state.get(_UNSETTLED):
        say_again()


def told() -> Step | None:
    """Return the newest step that the browser has told, or None if it has told none."""
    return read(st.session_state.get(KEY, {}).get("step"))


def new_step() -> Step | None:
    """Return the newest step if no run of the script has heard of it yet."""
    step = told()
    if step is None or _NEWEST not in st.session_state:
        return None
    newest, _open = st.session_state[_NEWEST]
    return step if newest is None or step.when != newest.when else None


def settled() -> None:
    """Say that the script has run through: nobody has a step still to follow."""
    followed()
    st.session_state[_UNSETTLED] = False


def say_again() -> None:
    """Let each control be told what it says.

    Streamlit's own message of a step leaves out what the controls of the page say, so the run of
    the script for it gives them what they said before, also in the browser. What was typed in the
    moment before the step is in the message that follows.
    """
    for key, value in st.session_state.items():
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            st.session_state[key] = value


def step_to_follow() -> Step | None:
    """Return the newest step if no page has followed it yet."""
    step, is_open = st.session_state.get(_NEWEST, (None, False))
    return step if is_open else None


def followed() -> None:
    """Say that the newest step has been followed, or is not to be."""
    step, _ = st.session_state.get(_NEWEST, (None, False))
    st.session_state[_NEWEST] = step, False


def flagged() -> bool:
    """Whether Streamlit says that this message is of a step through the history.

    It is where it says so, but it does not always: of two messages that come at once, the later
    one takes the place of both, and has no flag.
    """
    context = get_script_run_ctx()
    return context is not None and context.is_history_navigation


def read(message: object) -> Step | None:
    """Return the step that a message from the browser tells, or None if it tells none."""
    if not isinstance(message, Mapping):
        return None
    when, page, query = (message.get(name) for name in ("when", "page", "query"))
    if not (isinstance(when, int | float) and isinstance(page, str) and isinstance(query, str)):
        return None
    if len(query) > LONGEST_ADDRESS:
        return None
    return Step(when, page, dict(parse_qsl(query, keep_blank_values=True)))
