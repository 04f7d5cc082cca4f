"""Whether the examples that ship stand covered until their question is answered: ``ask=1``.

A page shows its point at once, by an example whose question is answered already. Who teaches may
rather have a class predict first, and gives them a link that says so. It holds for the session.
"""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

PARAMETER = "ask"
"""Of a link; its one value is 1."""
_OF_SESSION = "kvviz:asked-first"
_BY_LINK, _HERE = "link", "here"


def asked_first() -> bool:
    """Whether examples are covered in this session."""
    return bool(st.session_state.get(_OF_SESSION))


def covered_here() -> bool:
    """Whether they are because the person had them covered, on a page on which they stood open."""
    return st.session_state.get(_OF_SESSION) == _HERE


def cover() -> None:
    """Cover the examples in this session from now on, as the person on the page asks for."""
    st.session_state[_OF_SESSION] = _HERE


def take(parameters: Mapping[str, str], *, by_history: bool) -> None:
    """Take in what a link says.

    A link that says nothing leaves the session as it is, since not every link repeats it; but a
    step through the browser's history leads to what was there.

    Args:
        parameters: Of the link.
        by_history: Whether the person got there by such a step.
    """
    if by_history or PARAMETER in parameters:
        asked = parameters.get(PARAMETER) == "1"
        if asked != asked_first():
            st.session_state[_OF_SESSION] = _BY_LINK if asked else ""


def written() -> dict[str, str]:
    """Return what an address says of it: nothing where it is off."""
    return {PARAMETER: "1"} if asked_first() else {}
