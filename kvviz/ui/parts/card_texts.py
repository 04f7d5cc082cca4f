"""What a card says, from plain texts: its heading, its sentence, and where a figure comes from."""

from __future__ import annotations

import streamlit as st

from kvviz.ui.shell.plain_text import plain_html


def heading(text: str) -> str:
    """Return the HTML of a card's heading."""
    return f'<div class="kvviz-heading" role="heading" aria-level="3">{plain_html(text)}</div>'


def body(text: str) -> str:
    """Return the HTML of what a card says."""
    return f'<p class="kvviz-body">{plain_html(text)}</p>'


def source(text: str) -> str:
    """Return the HTML of where a figure comes from."""
    return f'<p class="kvviz-source">{plain_html(text)}</p>'


def head(title: str, text: str) -> None:
    """Draw a card's heading and its sentence."""
    st.html(heading(title) + body(text))
