"""The cache lab: keep a part of the rows, and measure what that costs beside the control."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from kvviz.errors import KvvizError, RunCancelledError
from kvviz.lessons import lessons
from kvviz.translation import gettext as _
from kvviz.ui.pages.cache_lab import budgets, forgetful, keep, settings, sinks
from kvviz.ui.pages.cache_lab.bench import Bench
from kvviz.ui.pages.cache_lab.bits import fewer_bits
from kvviz.ui.pages.cache_lab.settings import EXPERIMENTS, LabSettings
from kvviz.ui.pages.cache_lab.sharing import share
from kvviz.ui.pages.cache_lab.state import NAME, PREFIX, LabState, said_by_controls
from kvviz.ui.pages.cache_lab.surgery import surgery
from kvviz.ui.parts.model_choice import choose_model, put_model
from kvviz.ui.parts.one_line_title import one_line_title
from kvviz.ui.parts.text_controls import TEXT_HEIGHT
from kvviz.ui.shell import notes
from kvviz.ui.shell.address import Link
from kvviz.ui.shell.environment import Environment
from kvviz.ui.shell.errors_shown import bounded, show_error
from kvviz.ui.shell.links import lines_about
from kvviz.ui.work import preload, runs

DRAW = {
    "keep": keep.draw,
    "budgets": budgets.draw,
    "sinks": sinks.draw,
    "needle": forgetful.draw,
    "bits": fewer_bits.draw,
    "surgery": surgery.draw,
    "share": share.draw,
}

OF_A_TEXT = ("keep", "bits", "surgery", "share")
"""Those that go by a text of one's own."""


@bounded
def show() -> None:
    """Draw the page."""
    environment = Environment.read()
    state = LabState.here(NAME)
    if state.address.is_come_to:
        # The player is mounted anew, and begins where it is told and not where it began.
        state.view_number += 1
    state.address.follow(lambda link: take_link(state, environment, link))
    with st.sidebar:
        model = choose_model(_("Model"), f"{PREFIX}model", "gpt2", any_decoder=True)
        typed = st.container()
    state.change(model=model)
    lead = lessons().caption("cache-lab").text
    one_line_title(_("Cache lab"), lead, _("The experiment"))
    status = st.container(key="kvviz-status")
    with st.container(border=True, key="kvviz-card-experiment"):
        choose(state, typed)
        card = st.container(key="kvviz-experiment")
    with st.container(key="kvviz-lab-result"):
        places = st.container(), st.container(), st.container()
    try:
        environment.require(state.settings.model, typed_here=runs.is_local_visitor())
        DRAW[state.settings.do](Bench(state, environment, card, *places))
    except RunCancelledError:
        pass  # The bench has said so, and offered to do it again.
    except KvvizError as error:
        with card:
            show_error(error)
            offer_remedy(state)
    with status:
        notes.draw(state.notes)
    state.address.write(settings.write(state.settings, state.view))
    preload.begin()


def take_link(state: LabState, environment: Environment, link: Link) -> None:
    """Make the page show what a link says."""
    wanted, view, unusable = settings.parse(link.parameters)
    state.notes = lines_about(unusable)
    if not environment.allows(wanted.model, typed_here=False):
        state.notes += (
            _(
                "This link asks for the model {model}, which is not one that ships with kvviz. "
                "Choose it at the left if you want it to be loaded."
            ).format(model=wanted.model),
        )
        wanted = replace(wanted, model=LabSettings.model)
    # A step back must not cost what was typed and has no address yet.
    typed = state.typed_since() if link.by_history else {}
    state.take(replace(wanted, **typed), view)


def choose(state: LabState, typed: DeltaGenerator) -> None:
    """Draw what can be done, and in a place of its own the text that it is done with."""
    do = st.segmented_control(
        _("What to try"),
        list(EXPERIMENTS),
        key=f"{PREFIX}do",
        format_func=lambda name: _(EXPERIMENTS[name]),
        label_visibility="collapsed",
        persist_state="session",
        required=True,
    )
    state.change(do=do)
    if do not in OF_A_TEXT:
        return
    label = _("First text") if do == "share" else _("Text")
    with typed:
        text = st.text_area(label, key=f"{PREFIX}text", height=TEXT_HEIGHT, persist_state="session")
        state.change(text=text)
        if do == "share":
            other = st.text_area(
                _("Second text"), key=f"{PREFIX}other", height=TEXT_HEIGHT, persist_state="session"
            )
            state.change(other=other)


def offer_remedy(state: LabState) -> None:
    """Draw a button that goes back to what ships, where something else is asked for."""
    usual = LabSettings(do=state.settings.do)
    if state.settings == usual:
        return

    def take() -> None:
        # The text stays: it is what was typed.
        kept = replace(usual, text=state.settings.text or usual.text)
        state.settings = kept
        for name, value in said_by_controls(kept).items():
            st.session_state[f"{PREFIX}{name}"] = value
        put_model(f"{PREFIX}model", "gpt2", kept.model, any_decoder=True)

    st.button(_("Take the usual model and budget"), key=f"{PREFIX}remedy", on_click=take)
