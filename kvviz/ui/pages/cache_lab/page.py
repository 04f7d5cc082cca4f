"""The cache lab: keep a part of the rows, and measure what that costs beside the control."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from kvviz.errors import KvvizError, RunCancelledError
from kvviz.lessons import lessons
from kvviz.translation import gettext as _
from kvviz.ui.pages.cache_lab import budgets, forgetful, keep, settings, sinks
from kvviz.ui.pages.cache_lab.beams import write_four
from kvviz.ui.pages.cache_lab.bench import Bench
from kvviz.ui.pages.cache_lab.bits import fewer_bits
from kvviz.ui.pages.cache_lab.ghosts import ghosts
from kvviz.ui.pages.cache_lab.guessing import guess
from kvviz.ui.pages.cache_lab.numbers import fewer_numbers
from kvviz.ui.pages.cache_lab.positions import positions
from kvviz.ui.pages.cache_lab.settings import EXPERIMENTS, LabSettings
from kvviz.ui.pages.cache_lab.sharing import share
from kvviz.ui.pages.cache_lab.state import NAME, PREFIX, LabState, said_by_controls
from kvviz.ui.pages.cache_lab.surgery import surgery
from kvviz.ui.parts.model_choice import choose_model, put_model
from kvviz.ui.shell import notes
from kvviz.ui.shell.address import Link
from kvviz.ui.shell.environment import Environment
from kvviz.ui.shell.errors_shown import bounded, show_error
from kvviz.ui.shell.links import lines_about
from kvviz.ui.shell.plain_text import plain_html
from kvviz.ui.work import preload, runs

DRAW = {
    "keep": keep.draw,
    "budgets": budgets.draw,
    "sinks": sinks.draw,
    "needle": forgetful.draw,
    "bits": fewer_bits.draw,
    "surgery": surgery.draw,
    "share": share.draw,
    "guess": guess.draw,
    "ghosts": ghosts.draw,
    "places": positions.draw,
    "beams": write_four.draw,
    "numbers": fewer_numbers.draw,
}

OF_A_TEXT = ("keep", "bits", "surgery", "share", "guess", "ghosts", "places", "beams", "numbers")
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
    state.change(model=model)
    st.title(_("Cache lab"), anchor=False)
    heading = _("The experiment")
    st.html(
        f'<p class="kvviz-lead">{plain_html(lessons().caption("cache-lab").text)}</p>'
        f'<h2 class="kvviz-unseen">{plain_html(heading)}</h2>'
    )
    status = st.container(key="kvviz-status")
    with st.container(border=True, key="kvviz-card-experiment"):
        choose(state)
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


def choose(state: LabState) -> None:
    """Draw what can be done, and the text that it is done with."""
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
    text = st.text_area(label, key=f"{PREFIX}text", height=72, persist_state="session")
    state.change(text=text)


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
