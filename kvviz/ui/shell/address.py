"""The address bar as a page uses it: a link taken in once, and every view written back."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from kvviz.translation import ENGLISH, language

ARRIVED = "kvviz:arrived"
"""Set by the frame when a page is drawn that was not the one before."""


PAGE = "kvviz:page"
"""Set by the frame to the name of the page that was drawn last."""
_ADDRESSES = "kvviz:addresses"
"""What each page last wrote, by its name."""


def last_written(page: str) -> dict[str, str]:
    """Return the parameters that a page last wrote into the address bar, for a link to it.

    Without them a step to the page would leave its bare name in the browser's history, which means
    the page as a first visit finds it, and the way back would lead there.
    """
    return st.session_state.get(_ADDRESSES, {}).get(page, {})


def by_history() -> bool:
    """Whether this script runs because the person pressed the browser's back or forward button."""
    context = get_script_run_ctx()
    return context is not None and context.is_history_navigation


class Address:
    """What one page last wrote into the address bar, so that it can tell what a person brought."""

    def __init__(self) -> None:
        self._written: dict[str, str] | None = None

    def incoming(self) -> dict[str, str] | None:
        """Return the parameters that a person brought, else None.

        They did on the first visit, by a link from another page, and by the browser's back button.
        Any other message may still carry the address that the page had a moment ago. A link to what
        the page shows already brings nothing new.
        """
        parameters = dict(st.query_params)
        arrived, stepped = st.session_state.pop(ARRIVED, True), by_history()
        if self._written is not None:
            followed = arrived and bool(parameters)
            moved = stepped and bool(parameters or not arrived)
            if parameters == self._written or not (followed or moved):
                return None
        self._written = parameters
        return parameters

    def write(self, parameters: Mapping[str, str]) -> None:
        """Put parameters into the address bar, and the language with them."""
        spoken = language()
        self._written = {**parameters, **({} if spoken == ENGLISH else {"lang": spoken})}
        page = st.session_state.get(PAGE, "")
        st.session_state.setdefault(_ADDRESSES, {})[page] = self._written
        if dict(st.query_params) != self._written:
            st.query_params.from_dict(self._written)
