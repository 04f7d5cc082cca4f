"""How long a window is and how many sinks stand beside it, where a window is what is looked at."""

from __future__ import annotations

import streamlit as st

from kvviz.translation import gettext as _
from kvviz.ui.pages.cache_lab.kept_part import KeptPart
from kvviz.ui.pages.cache_lab.settings import USUAL_PART
from kvviz.ui.pages.cache_lab.state import PREFIX, LabState


def draw(state: LabState) -> KeptPart:
    """Draw both numbers; return the window."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="kvviz-lab-controls"):
        rows = st.number_input(
            _("Rows a head"),
            key=f"{PREFIX}rows",
            min_value=None,
            max_value=None,
            step=1,
            persist_state="session",
            width=140,
        )
        sinks = st.number_input(
            _("Sinks among them"),
            key=f"{PREFIX}sinks",
            min_value=0,
            max_value=None,
            step=1,
            persist_state="session",
            width=160,
        )
    part = KeptPart("window", USUAL_PART.rows if rows is None else int(rows), int(sinks or 0))
    state.change(cache=part)
    return part
