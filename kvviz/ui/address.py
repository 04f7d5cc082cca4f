"""The address bar as a page uses it: a link taken in once, and every view written back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from kvviz.ui.page_state import ARRIVED, by_history


class Address:
    """What one page last wrote into the address bar, so that it can tell what a person brought.

    Args:
        prefix: What the keys of the page's controls begin with, such as ``lm:``.
    """

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._written: dict[str, str] | None = None
        self._controls: dict[str, Any] = {}
        self._rerun_asked = False

    def incoming(self) -> dict[str, str] | None:
        """Return the parameters that a person brought by a link or a step back, else None.

        A message on its way while the page wrote a new address still carries the old one. Such a
        message brings a change of a control, or is a rerun that the page itself asked for.
        """
        parameters = dict(st.query_params)
        arrived = st.session_state.pop(ARRIVED, True)
        asked_for, self._rerun_asked = self._rerun_asked, False
        if self._written is None:
            self._written = parameters
            return parameters
        if parameters == self._written:
            return None
        if arrived and not parameters:
            return None
        if not (arrived or by_history()) and (asked_for or self._controls_moved()):
            return None
        self._written = parameters
        return parameters

    def write(self, parameters: Mapping[str, str]) -> None:
        """Put parameters into the address bar."""
        self._written = dict(parameters)
        if dict(st.query_params) != self._written:
            st.query_params.from_dict(self._written)

    def settle(self) -> None:
        """Remember what the controls say at the end of a run of the page's script."""
        self._controls = self._values()

    def rerun(self) -> None:
        """Run the page's script again, with whatever the address bar says by now."""
        self._rerun_asked = True
        st.rerun()

    def _values(self) -> dict[str, Any]:
        return {
            str(name): value
            for name, value in st.session_state.items()
            if str(name).startswith(self._prefix) and not isinstance(value, bool)
        }

    def _controls_moved(self) -> bool:
        pressed = any(
            str(name).startswith(self._prefix) and value is True
            for name, value in st.session_state.items()
        )
        return pressed or self._values() != self._controls
