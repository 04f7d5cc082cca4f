"""Lines that a page has to say, such as what in a link could not be used."""

from __future__ import annotations

from collections.abc import Iterable

import streamlit as st

from kvviz.ui.shell.plain_text import plain


def draw(notes: Iterable[str], icon: str = ":material/info:") -> None:
    """Draw lines of plain text.

    They may quote a link, which anybody can write: markup in it is shown and not obeyed, or a link
    could put a picture from elsewhere on the page.

    Args:
        notes: The lines.
        icon: What stands before each.
    """
    for note in notes:
        st.info(plain(note), icon=icon)
