"""The title of a page: its name and its lead in one line, so that what it shows has the room."""

from __future__ import annotations

import streamlit as st

from kvviz.ui.shell.plain_text import plain_html


def one_line_title(title: str, lead: str, section: str = "") -> None:
    """Draw a page's title, the line that leads into it beside it where there is room.

    Args:
        title: Name of the page.
        lead: What it is about, plain text.
        section: Name of what comes first, for those who are read to; none if empty.
    """
    below = f'<h2 class="kvviz-unseen">{plain_html(section)}</h2>' if section else ""
    with st.container(key="kvviz-title"):
        st.title(title, anchor=False)
        st.html(f'<p class="kvviz-lead">{plain_html(lead)}</p>{below}')
