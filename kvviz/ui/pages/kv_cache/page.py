"""KV cache, step by step: run a prompt and watch which rows are computed and which are reused."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from kvviz.errors import KvvizError
from kvviz.lessons import lessons
from kvviz.ui.pages.kv_cache import controls, difference, edited_token
from kvviz.ui.parts import cards, progress, saving
from kvviz.ui.parts.player import player
from kvviz.ui.parts.remedies import remedy
from kvviz.ui.parts.run_state import PageState
from kvviz.ui.shell import links, notes
from kvviz.ui.shell.address import Link as BroughtLink
from kvviz.ui.shell.environment import Environment
from kvviz.ui.shell.errors_shown import bounded, show_error
from kvviz.ui.shell.links import RunSettings, View
from kvviz.ui.work import runs
from kvviz.ui.work.runs import ShownRun

NAME = "kv_cache_page"


@bounded
def show() -> None:
    """Draw the page."""
    environment = Environment.read()
    state = PageState.here(NAME)
    state.address.follow(lambda link: follow_link(state, environment, link))
    with st.sidebar:
        # Two places, so that what comes and goes in the first does not move the second.
        above, below = st.container(), st.container()
    with above:
        draft = controls.draw(environment)
    st.title("KV cache, step by step", anchor=False)
    st.html(
        f'<p class="kvviz-lead">{lessons().caption("kv-cache").text}</p>'
        '<h2 class="kvviz-unseen">The run, step by step</h2>'
    )
    if draft.run or state.asked:
        state.asked = False
        run(state, draft.settings, environment, draft.problems)
    elif state.wanted:
        begin(state, state.wanted, environment)
    progress.collect(state)
    controls.label_prompt(draft)
    with below:
        saving.draw(state, "gpt2")
    # Always there, so that the player keeps its place on the page, and with it its view.
    with st.container(key="kvviz-status"):
        draw_status(state)
    draw_run(state, environment)
    if state.shown is None and state.job is not None:
        st.skeleton(height=640)
    if state.shown is not None and state.job is None:
        state.address.write(link_of(state.shown, state.view))


def follow_link(state: PageState, environment: Environment, brought: BroughtLink) -> None:
    """Make the page show what a link says."""
    link = links.parse(brought.parameters, environment.max_new_tokens)
    settings = replace(link.settings, device=environment.device)
    state.notes = (link.line,) if link.line else ()
    state.by_link, state.wanted = True, None
    if state.shown is not None and state.shown.settings == settings:
        state.give_up_job()
        state.view, state.view_number = link.view, state.view_number + 1
        state.settle()
        return
    # Going back must not cost what was typed since the run on screen.
    if not (brought.by_history and state.shown and not controls.say(state.shown.settings)):
        controls.put(settings)
    state.coming = link.view
    if not environment.allows(settings.model, typed_here=False):
        state.notes += (
            f"This link asks for the model {settings.model}, which is not one that ships "
            "with kvviz. Press Run if you want it to be loaded.",
        )
        return
    state.wanted = settings


def run(
    state: PageState, settings: RunSettings, environment: Environment, problems: tuple[str, ...]
) -> None:
    """Do what Run asks for, unless a control stands in the way."""
    # A control that stands in the way says so itself; an error before that is of the past.
    state.notes, state.error = (), None
    if problems:
        return
    try:
        environment.require(settings.model, typed_here=runs.is_local_visitor())
    except KvvizError as error:
        state.error, state.attempt = error, settings
        return
    state.coming, state.by_link = replace(state.coming or state.view, step=0), False
    begin(state, settings, environment)


def begin(state: PageState, settings: RunSettings, environment: Environment) -> None:
    """Start a run in place of the one that may still be under way."""
    if state.job is not None:
        state.job.cancel()
    state.error, state.attempt, state.wanted = None, settings, None
    want_both = (state.coming or state.view).cache != "on"
    state.job = runs.start(settings, environment, want_both=want_both)


def link_of(shown: ShownRun, view: View) -> dict[str, str]:
    """Return the parameters that lead to a run and a view; none where only a file does."""
    return links.write(shown.settings, view) if shown.origin == "run" else {}


def draw_status(state: PageState) -> None:
    """Draw what a run under way, a failed one or an odd link have to say."""
    if state.job is not None:
        progress.draw(state)
    if state.error is not None:
        show_error(state.error)
        offer_remedy(state)
        if state.shown is not None:
            st.caption("Below is the run before, as it was.")
    notes.draw(state.notes)
    if state.shown is not None and state.shown.note:
        notes.draw([state.shown.note], ":material/stop_circle:")


def offer_remedy(state: PageState) -> None:
    """Draw a button that does what helps against the error, where there is such a thing."""
    if state.error is None or state.attempt is None:
        return
    found = remedy(state.error, state.attempt)
    if found is None:
        return
    label, settings = found

    def take() -> None:
        controls.put(settings)
        state.asked = True

    st.button(label, key="kv:remedy", on_click=take)


def draw_run(state: PageState, environment: Environment) -> None:
    """Draw the player and what stands below it."""
    shown = state.shown
    if shown is None:
        return

    def moved(view: View) -> None:
        state.view = view
        state.address.write(link_of(shown, view))

    def other_way(cache: str) -> None:
        if shown.origin == "run":
            state.view = replace(state.view, cache=cache)
            begin(state, shown.settings, environment)
        else:
            # The player waits for that run until it is told to begin anew.
            state.view_number += 1
            state.notes = (
                "A saved run holds one way only. To see the other, type its prompt and press Run.",
            )
        st.rerun()

    player(
        shown,
        state.view,
        key="kv-player",
        view_number=state.view_number,
        on_view=moved,
        on_cache=other_way,
    )
    cards.draw(shown, lambda: edited_token.draw(state))
    difference.draw(state)
