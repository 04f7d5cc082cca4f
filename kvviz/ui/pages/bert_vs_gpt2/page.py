"""BERT beside GPT-2: one text, both models, and what a mask decides."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from kvviz.errors import KvvizError, RunCancelledError
from kvviz.lessons import lessons
from kvviz.translation import gettext as _
from kvviz.ui.pages.bert_vs_gpt2 import blank, context, look, masks, rows, settings, writing
from kvviz.ui.pages.bert_vs_gpt2.readings import Workbench
from kvviz.ui.pages.bert_vs_gpt2.settings import EXPERIMENTS, TwinSettings
from kvviz.ui.pages.bert_vs_gpt2.state import NAME, PREFIX, TwinsState
from kvviz.ui.parts.model_choice import choose_model
from kvviz.ui.parts.one_line_title import one_line_title
from kvviz.ui.parts.text_controls import TEXT_HEIGHT
from kvviz.ui.shell import notes
from kvviz.ui.shell.address import Link
from kvviz.ui.shell.environment import Environment
from kvviz.ui.shell.errors_shown import bounded, show_error
from kvviz.ui.shell.links import lines_about
from kvviz.ui.work import preload, runs

DRAW = {
    "look": look.draw,
    "append": rows.draw_append,
    "edit": rows.draw_edit,
    "masks": masks.draw,
    "blank": blank.draw,
    "write": writing.draw,
    "context": context.draw,
}


@bounded
def show() -> None:
    """Draw the page."""
    environment = Environment.read()
    state = TwinsState.here(NAME)
    if state.address.is_come_to:
        # The pictures are mounted anew, and begin where they are told and not where they began.
        state.view_number += 1
    state.address.follow(lambda link: take_link(state, environment, link))
    with st.sidebar:
        model = choose_model("GPT-2", f"{PREFIX}model", "gpt2")
        bert = choose_model("BERT", f"{PREFIX}bert", "bert")
        typed = st.container()
    state.change(model=model, bert=bert)
    one_line_title(_("BERT beside GPT-2"), lead(state.settings), _("The experiment"))
    status = st.container(key="kvviz-status")
    with st.container(border=True, key="kvviz-card-experiment"):
        choose(state, typed)
        card = st.container(key="kvviz-experiment")
    below = st.container(key="kvviz-twins-result")
    with below:
        places = st.container(), st.container(), st.container()
    try:
        require(state.settings, environment)
        with below:
            DRAW[state.settings.do](Workbench(state, environment, *places), card)
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


def take_link(state: TwinsState, environment: Environment, link: Link) -> None:
    """Make the page show what a link says."""
    wanted, view, unusable = settings.parse(link.parameters)
    state.notes = lines_about(unusable)
    usual = TwinSettings()
    for name in ("model", "bert"):
        asked = getattr(wanted, name)
        if not environment.allows(asked, typed_here=False):
            state.notes += (
                _(
                    "This link asks for the model {model}, which is not one that ships with kvviz. "
                    "Choose it at the left if you want it to be loaded."
                ).format(model=asked),
            )
            wanted = replace(wanted, **{name: getattr(usual, name)})
    # A step back must not cost what was typed and has no address yet.
    typed = state.typed_since() if link.by_history else {}
    state.take(replace(wanted, **typed), view)


def choose(state: TwinsState, typed: DeltaGenerator) -> None:
    """Draw what can be done, and in a place of its own the text that it is done with."""
    do = st.segmented_control(
        _("What to do with the text"),
        list(EXPERIMENTS),
        key=f"{PREFIX}do",
        format_func=lambda name: _(EXPERIMENTS[name]),
        label_visibility="collapsed",
        persist_state="session",
        required=True,
    )
    state.change(do=do)
    if do == "context":
        return
    text = typed.text_area(
        _("Text"), key=f"{PREFIX}text", height=TEXT_HEIGHT, persist_state="session"
    )
    state.change(text=text)


def require(wanted: TwinSettings, environment: Environment) -> None:
    """Refuse models that may not be loaded, or that nobody has named.

    Raises:
        ModelNotFoundError: If so.
    """
    for name in (wanted.model, wanted.bert):
        environment.require(name, typed_here=runs.is_local_visitor())


def offer_remedy(state: TwinsState) -> None:
    """Draw a button that goes back to the models that ship, where another one is chosen."""
    usual = TwinSettings()
    if (state.settings.model, state.settings.bert) == (usual.model, usual.bert):
        return

    def take() -> None:
        state.take(replace(state.settings, model=usual.model, bert=usual.bert), state.view)

    st.button(_("Take the twins that ship"), key=f"{PREFIX}remedy", on_click=take)


def lead(wanted: TwinSettings) -> str:
    """Return the line below the title: twins are only those that ship."""
    usual = TwinSettings()
    twins = (wanted.model, wanted.bert) == (usual.model, usual.bert)
    return lessons().caption("bert-vs-gpt2" if twins else "bert-vs-gpt2-others").text
