"""What every page has around it: name, navigation, style."""

from __future__ import annotations

import streamlit as st

from kvviz.ui import style
from kvviz.ui.doorway import LOST
from kvviz.ui.page_list import PAGES
from kvviz.ui.plain_text import plain, shortened


def show() -> None:
    """Draw the frame and run the page that the address names."""
    st.set_page_config(page_title="kvviz", page_icon=":material/view_week:", layout="wide")
    style.apply()
    pages = [entry.page() for entry in PAGES]
    current = st.navigation(pages, position="hidden")
    with st.sidebar:
        st.html(
            '<div class="kvviz-name">kvviz</div>'
            '<div class="kvviz-tagline">Watch a KV cache work</div>'
        )
        with st.container(key="kvviz-nav", gap=None):
            for page in pages:
                st.page_link(page, label=page.title)
    lost = st.query_params.get(LOST)
    if lost:
        st.info(
            f"There is no page “{plain(shortened(lost))}” here, so this is the first one.",
            icon=":material/signpost:",
        )
    current.run()
