"""What every page has around it: name, navigation, style."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import streamlit as st

from kvviz.translation import gettext as _
from kvviz.ui.shell import history, session_language, style
from kvviz.ui.shell.address import ARRIVED, PAGE, SENT, last_written
from kvviz.ui.shell.asgi_middleware import LOST
from kvviz.ui.shell.drawing_turns import drawing_turns
from kvviz.ui.shell.page_list import made_for_this_run
from kvviz.ui.shell.plain_text import plain, plain_html, shortened
from kvviz.ui.shell.presenter import presenter_view
from kvviz.ui.shell.room import bar, membership, panel

NAME = "kvviz"
_ICON_BYTES = (Path(__file__).parent / "icon.png").read_bytes()
ICON = f"data:image/png;base64,{b64encode(_ICON_BYTES).decode()}"
"""A picture of our own: Streamlit would fetch a named icon for the tab from a font server. It is
sent as it is, since a file has no address while one run of the script takes the place of another.
"""


@drawing_turns.turn()
def show() -> None:
    """Draw the frame and run the page that the address names."""
    session_language.take_from_address()
    st.set_page_config(page_title=NAME, page_icon=ICON, layout="wide")
    style.apply()
    pages = made_for_this_run()
    current = st.navigation(pages, position="hidden")
    arrived = st.session_state.get(PAGE) != current.url_path
    if arrived:
        # Said at once: the browser has taken the page before down, and where a way back to it cuts
        # this run short, that page is come to all the same.
        st.session_state[ARRIVED] = True
        st.session_state[SENT] = None
    history.listen(current.url_path, arrived=arrived)
    membership.take_from_address()
    presenter_view.take_from_address()
    with st.container(key="kvviz-unseen-parts"):
        bar.draw()
        presenter_view.draw()
    with st.sidebar:
        st.html(
            f'<div class="kvviz-name">{NAME}</div>'
            f'<div class="kvviz-tagline">{plain_html(_("Watch a KV cache work"))}</div>'
        )
        with st.container(key="kvviz-nav", gap=None):
            for page in pages:
                st.page_link(
                    page, label=page.title, query_params=last_written(page.url_path) or None
                )
        panel.draw()
        presenter_view.draw_button()
    lost = st.query_params.get(LOST)
    if lost:
        st.info(
            _("There is no page “{page}” here, so this is the first one.").format(
                page=plain(shortened(lost))
            ),
            icon=":material/signpost:",
        )
    st.session_state[PAGE] = current.url_path
    current.run()
    if history.step_to_follow(current.url_path) is not None:
        # The page has no address of its own to follow.
        history.followed()
    written = last_written(current.url_path)
    membership.lead(current.url_path, written)
    bar.keep_in_address(current.url_path, written)
