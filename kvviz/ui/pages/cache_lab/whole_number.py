"""A field for a whole number that a link may say too."""

from __future__ import annotations

import streamlit as st

from kvviz.ui.pages.cache_lab.settings import LabSettings
from kvviz.ui.pages.cache_lab.state import PREFIX


def draw(label: str, name: str, least: int, most: int) -> int:
    """Draw the field of a setting; return what it says, the usual number where it is empty.

    Args:
        label: What stands above it.
        name: Of the setting.
        least: Least number; one below it, which another experiment may take, becomes this.
        most: Greatest number.
    """
    key, usual = f"{PREFIX}{name}", getattr(LabSettings(), name)
    held = st.session_state.get(key, usual)
    if held is not None:
        st.session_state[key] = min(max(int(held), least), most)
    found = st.number_input(label, least, most, key=key, step=1, persist_state="session", width=150)
    return usual if found is None else int(found)
