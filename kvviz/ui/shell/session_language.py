"""The language that the person of a session reads, as the address names it."""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from kvviz.translation import ENGLISH, choose, follow, languages
from kvviz.ui.shell import history

_OF_SESSION = "kvviz:language"


def take_from_address() -> None:
    """Speak the language of the address in this run of the script and in the session from now on.

    An address without one leaves the session its language, since not every link repeats it; but one
    that a step through the browser's history leads to is what it was: English.
    """
    step = history.new_step()
    named = st.query_params.get("lang") if step is None else step.parameters.get("lang")
    if named not in languages():
        by_history = step is not None or history.flagged()
        named = ENGLISH if by_history else st.session_state.get(_OF_SESSION, ENGLISH)
    st.session_state[_OF_SESSION] = named
    choose(named)


def _of_session() -> str | None:
    """Return the language of the session whose callback or fragment runs on this thread."""
    if get_script_run_ctx(suppress_warning=True) is None:
        return None
    return st.session_state.get(_OF_SESSION)


follow(_of_session)
