"""Whether a session shows its pages for a class to read from the back row: ``present=1``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from kvviz.translation import front_end_catalogue
from kvviz.translation import gettext as _
from kvviz.ui.shell import history
from kvviz.ui.shell.front_end import front_end

PARAMETER = "present"
"""Of a link; its one value is 1."""
_OF_SESSION = "kvviz:presents"
HERE = Path(__file__).parent


def is_on() -> bool:
    """Whether this session shows the presenter view."""
    return st.session_state.get(_OF_SESSION, False)


def turn(on: bool) -> None:
    """Show the presenter view from now on, or the ordinary one."""
    st.session_state[_OF_SESSION] = on


def take_from_address() -> None:
    """Take in what the address says; one without it leaves the session as it is.

    But a step through the browser's history leads to what was there.
    """
    step = history.new_step()
    parameters = st.query_params if step is None else step.parameters
    if step is not None or history.flagged():
        turn(parameters.get(PARAMETER) == "1")
    elif parameters.get(PARAMETER) == "1" and _OF_SESSION not in st.session_state:
        # Afterwards the session knows better than the query of a message does.
        turn(True)


def written() -> dict[str, str]:
    """Return what an address says of it: nothing where it is off."""
    return {PARAMETER: "1"} if is_on() else {}


def _component() -> Callable[..., Any]:
    """Return what mounts it."""
    return front_end("kvviz_presenter", HERE / "presenter.bundle.js", HERE / "presenter.css")


def draw() -> None:
    """Put its script on the page, which does nothing while the view is off."""
    _component()(
        key="kvviz-presenter",
        data={**front_end_catalogue(), "on": is_on()},
        on_leave_change=lambda: turn(False),
    )


def draw_button() -> None:
    """Draw the way into it."""
    st.button(
        _("Presenter view"),
        key="presenter:on",
        icon=":material/slideshow:",
        type="tertiary",
        on_click=turn,
        args=(True,),
        help=_("Large type, one idea a screen, PageDown and PageUp or a clicker. No sidebar."),
    )
