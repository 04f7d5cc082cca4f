"""Steps through the browser's history, as the browser itself tells them, and what it is told.

The query that a message of Streamlit's carries cannot tell whether the person went back or the
message was sent before the page's latest address arrived. The browser knows: a small component
tells each step, with the address it led to, and every message from then on carries it. An address
that is told to the browser names the newest step that had been followed by then, so that the
browser (`address_bar.js`) can tell what is of the past.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import streamlit as st
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.scriptrunner import get_script_run_ctx

from kvviz.ui.shell.front_end import front_end

KEY = "kvviz-history-steps"
"""Key of the component."""
_NEWEST = "kvviz:history"
"""The newest step that was told, and whether a page has still to follow it."""

SAYS = "kvviz-says"
"""Query parameter by which an address is told to `address_bar.js`, which leaves it out."""

LONGEST_ADDRESS = 100_000
LATEST_MS = 1e15
"""More milliseconds than any tab is open."""


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


def listen(page: str, *, arrived: bool) -> None:
    """Put the component on the page, and keep the newest step that it has told.

    Args:
        page: Url path of the page that this run of the script is for.
        arrived: Whether another page was drawn before.
    """
    with st.container(key="kvviz-history"):
        _component()(
            key=KEY, data={"page": page}, on_step_change=lambda: None, on_anew_change=lambda: None
        )
    step = new_step()
    if step is not None:
        st.session_state[_NEWEST] = step, True
    elif _NEWEST not in st.session_state:
        # What a session is told in its first message was followed by the session before it.
        st.session_state[_NEWEST] = told(), False
    step, is_open = st.session_state[_NEWEST]
    if is_open and step.page != page and arrived and not flagged():
        # The person has gone on by a link.
        followed()


def say(page: str, parameters: Mapping[str, str]) -> None:
    """Tell the browser the address of what is on screen.

    Args:
        page: Url path of the page.
        parameters: Its query.
    """
    context = get_script_run_ctx()
    if context is None:
        return
    when = newest()
    says = page if when is None else f"{page} {when!r}"
    message = ForwardMsg()
    message.page_info_changed.query_string = urlencode({SAYS: says, **parameters})
    context.enqueue(message)


def newest() -> float | None:
    """Return when the newest step was that a run of the script has heard of, None before one."""
    step, _open = st.session_state.get(_NEWEST, (None, False))
    return None if step is None else step.when


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


def step_to_follow(page: str) -> Step | None:
    """Return the newest step if it led to this page and was not followed yet."""
    step, is_open = st.session_state.get(_NEWEST, (None, False))
    return step if is_open and step.page == page else None


def followed() -> None:
    """Say that the newest step has been followed, or is not to be any more."""
    step, _ = st.session_state.get(_NEWEST, (None, False))
    st.session_state[_NEWEST] = step, False


def flagged() -> bool:
    """Whether Streamlit says that this message is of a step through the history.

    It says so of a step to another page only (`address_bar.js`), and not always: of two messages
    that come at once, the later one takes the place of both, and has no flag.
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
    if isinstance(when, bool) or not abs(when) <= LATEST_MS:  # nor what is no number
        return None
    if max(len(page), len(query)) > LONGEST_ADDRESS:
        return None
    try:
        # Half of a character has no place in an address, nor in a message to the browser.
        (page + query).encode()
    except UnicodeEncodeError:
        return None
    return Step(when, page, dict(parse_qsl(query, keep_blank_values=True)))
