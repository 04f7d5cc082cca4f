"""Start here: what this is, a run to step through at once, and where to go for which question."""

from __future__ import annotations

from urllib.parse import parse_qsl

import streamlit as st

from kvviz.lessons import lessons
from kvviz.ui import preload
from kvviz.ui.errors_view import bounded
from kvviz.ui.links import View
from kvviz.ui.page_list import page_named
from kvviz.ui.plain_text import plain_html
from kvviz.ui.player_view import player
from kvviz.ui.stored_example import stored_example

DOORS_A_ROW = 3


@bounded
def show() -> None:
    """Draw the page."""
    words = lessons()
    st.title("Watch a KV cache work", anchor=False)
    st.html(f'<p class="kvviz-lead">{plain_html(words.caption("start").text)}</p>')
    player(stored_example(), View(cache="both"), key="start-player")
    st.html(f'<p class="kvviz-source">{plain_html(words.caption("start-example").text)}</p>')
    st.header("Where to go for which question", anchor=False)
    doors = [door for door in words.doors if page_named(door.page) is not None]
    for first in range(0, len(doors), DOORS_A_ROW):
        row = doors[first : first + DOORS_A_ROW]
        for column, door in zip(st.columns(DOORS_A_ROW, gap="small"), row, strict=False):
            with column, st.container(border=True, height="stretch"):
                st.html(
                    f'<div class="kvviz-heading" role="heading" aria-level="3">'
                    f"{plain_html(door.question)}</div>"
                    f'<p class="kvviz-body">{plain_html(door.answer)}</p>'
                )
                entry = page_named(door.page)
                assert entry is not None
                st.page_link(entry.page(), label=entry.title, icon=":material/arrow_forward:",
                             query_params=dict(parse_qsl(door.query)))  # fmt: skip
    with st.expander("The words of the field", key="kvviz-glossary"):
        for term in words.terms:
            st.html(
                f'<p class="kvviz-term"><b>{plain_html(term.word)}</b> '
                f"{plain_html(term.meaning)} "
                f'<span class="kvviz-source">{plain_html(term.source)}</span></p>'
            )
    preload.begin()
