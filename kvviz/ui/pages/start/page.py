"""Start here: what this is, a run to step through at once, and where to go for which question."""

from __future__ import annotations

from urllib.parse import parse_qsl

import streamlit as st

from kvviz.lessons import lessons
from kvviz.translation import gettext as _
from kvviz.ui.pages.start import twice_as_long
from kvviz.ui.parts import card_texts
from kvviz.ui.parts.one_line_title import one_line_title
from kvviz.ui.parts.player import player
from kvviz.ui.parts.view import View
from kvviz.ui.shell.errors_shown import bounded
from kvviz.ui.shell.page_list import page_named
from kvviz.ui.shell.plain_text import plain_html
from kvviz.ui.work import preload, shipped_runs

ENTRIES_A_ROW = 3


@bounded
def show() -> None:
    """Draw the page."""
    words = lessons()
    lead = words.caption("start").text
    one_line_title(_("Watch a KV cache work"), lead, _("A run, step by step"))
    shown = shipped_runs.shipped_run(shipped_runs.GPT2)
    player(shown, View(cache="both"), key="start-player", plays=True)
    st.html(card_texts.source(words.caption("start-example").text))
    assert shown.comparison is not None
    twice_as_long.experiment(shown.comparison).draw()
    st.header(_("Where to go for which question"), anchor=False)
    page_guide = [entry for entry in words.page_guide if page_named(entry.page) is not None]
    for first in range(0, len(page_guide), ENTRIES_A_ROW):
        row = page_guide[first : first + ENTRIES_A_ROW]
        for column, entry in zip(st.columns(ENTRIES_A_ROW, gap="small"), row, strict=False):
            with column, st.container(border=True, height="stretch"):
                st.html(card_texts.heading(entry.question) + card_texts.body(entry.answer))
                leads_to = page_named(entry.page)
                assert leads_to is not None
                st.page_link(leads_to.page(), label=leads_to.title, icon=":material/arrow_forward:",
                             query_params=dict(parse_qsl(entry.query)))  # fmt: skip
    with st.expander(_("The words of the field"), key="kvviz-glossary"):
        # One message for all: each costs the server, and sixty visitors may come at once.
        st.html("".join(
            f'<p class="kvviz-term"><b>{plain_html(term.word)}</b> {plain_html(term.meaning)} '
            f'<span class="kvviz-source">{plain_html(term.source)}</span></p>'
            for term in words.terms
        ))  # fmt: skip
    preload.begin()
