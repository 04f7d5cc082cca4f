"""A press of a button that a page acts on in its script, kept until it has."""

from __future__ import annotations

from typing import Any

import streamlit as st


class Press:
    """What a person pressed, and a page has still to act on.

    A run of the script may be cut short by the next message from the browser before it has come to
    what a press asks for: a figure tells its place, or a field what was typed. The value of a
    button is then lost, for the next run no longer has it.

    Args:
        key: Of the button.
    """

    def __init__(self, key: str) -> None:
        self._flag = f"{key}:pressed"

    @classmethod
    def draw(cls, label: str, key: str, **options: Any) -> Press:
        """Draw the button, with what else `st.button` takes."""
        press = cls(key)
        st.button(label, key=key, on_click=press.keep, **options)
        return press

    def take(self) -> bool:
        """Return whether there is one to act on, which is then taken."""
        return st.session_state.pop(self._flag, False)

    def keep(self) -> None:
        """Take note of one, also where something else than the button stands for it."""
        st.session_state[self._flag] = True
