"""Model sizes: from GPT-1 to today, what weights and KV caches take, and on what they fit."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import streamlit as st

from kvviz.lessons import lessons
from kvviz.translation import gettext as _
from kvviz.ui.pages.model_sizes import choice, pictures, prediction, result_cards, whole_table
from kvviz.ui.pages.model_sizes.choice import NAME, SizesState
from kvviz.ui.pages.model_sizes.families import part
from kvviz.ui.pages.model_sizes.five_years import part as five_years
from kvviz.ui.parts.one_line_title import one_line_title
from kvviz.ui.shell import notes
from kvviz.ui.shell.errors_shown import bounded
from kvviz.ui.shell.plain_text import plain_html

STYLE = Path(__file__).parent / "model_sizes.css"


@bounded
def show() -> None:
    """Draw the page."""
    words, state = lessons(), SizesState.here(NAME)
    state.address.follow(lambda link: choice.take_link(state, link))
    if not choice.is_put():
        choice.put(state.choice)
    st.html(f"<style>{_rules()}</style>")
    served = _("One model, and how it is served")
    one_line_title(_("How large models are"), words.caption("model-sizes").text, served)
    with st.container(key="kvviz-status"):
        notes.draw(state.notes)
    prediction.experiment().draw()
    chosen = choice.draw(state)
    # Before what takes long to draw: a change that cuts this run of the script short would lose it.
    state.address.write(choice.choice_fields().write(chosen))
    found = result_cards.bill(chosen)
    # One place for either, so that what follows keeps its own.
    with st.container():
        if found is None:
            st.info(
                _(
                    "{maker} has not disclosed how large {model} is, so there is nothing to count. "
                    "Choose another model."
                ).format(maker=chosen.model.maker, model=chosen.model.name),
                icon=":material/visibility_off:",
            )
        else:
            result_cards.draw(chosen, found)
            left, right = st.columns([3, 2], gap="small")
            with left:
                pictures.growth(chosen, found)
            with right:
                pictures.accelerator_list(chosen, found)
    pictures.ladder(chosen)
    pictures.parts(chosen)
    part.draw(state, five_years.draw)
    st.header(_("All models"), anchor=False)
    st.html(f'<p class="kvviz-body">{plain_html(words.caption("model-table").text)}</p>')
    choice.find_box()
    whole_table.draw(chosen.find)
    st.html(
        f'<p class="kvviz-told kvviz-closing">{plain_html(words.caption("sizes-in-one").text)}</p>'
    )


@cache
def _rules() -> str:
    return STYLE.read_text(encoding="utf-8")
