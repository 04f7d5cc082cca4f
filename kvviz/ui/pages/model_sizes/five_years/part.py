"""The part of the page that sets a model built as in 2019 beside one built as today."""

from __future__ import annotations

import streamlit as st

from kvviz.lessons import lessons
from kvviz.translation import gettext as _
from kvviz.ui.pages.model_sizes.five_years import moved_rows, smaller_cache
from kvviz.ui.shell.errors_shown import bounded
from kvviz.ui.shell.plain_text import plain_html


def draw(text: str) -> None:
    """Draw both experiments on a text, which may be empty: then there is nothing to ask about."""
    caption = lessons().caption("five-years")
    st.header(_("Five years of caches"), anchor=False)
    st.html(f'<p class="kvviz-body">{plain_html(caption.text)}</p>')
    with st.container(key="kvviz-five-years", gap="small"):
        if text:
            _smaller(text)
            _moved(text)


@bounded
def _smaller(text: str) -> None:
    smaller_cache.draw(text)


@bounded
def _moved(text: str) -> None:
    moved_rows.draw(text)
