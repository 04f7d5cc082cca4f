"""T5's two caches: an encoder reads a text once, and a decoder fills in its blanks."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from kvviz.errors import KvvizError
from kvviz.lessons import lessons
from kvviz.ui.pages.encoder_decoder import attention_shares, controls, cross_rows, results, settings
from kvviz.ui.pages.encoder_decoder.blanks import as_read, n_blanks
from kvviz.ui.pages.encoder_decoder.filled import final_sentinels
from kvviz.ui.parts import progress, saving
from kvviz.ui.parts.player import player
from kvviz.ui.parts.run_state import PageState
from kvviz.ui.shell import links, notes
from kvviz.ui.shell.address import Link
from kvviz.ui.shell.environment import Environment
from kvviz.ui.shell.errors_shown import bounded, show_error
from kvviz.ui.shell.links import RunSettings, View
from kvviz.ui.shell.plain_text import plain_html
from kvviz.ui.work import runs
from kvviz.ui.work.model_names import bundled_models
from kvviz.ui.work.runs import ShownRun

NAME = "encoder_decoder_page"


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
    st.title("T5's two caches", anchor=False)
    st.html(
        f'<p class="kvviz-lead">{plain_html(lessons().caption("encoder-decoder").text)}</p>'
        '<h2 class="kvviz-unseen">The run, step by step</h2>'
    )
    if draft.run or state.asked:
        state.asked = False
        run(state, draft.settings, environment, draft.problems)
    elif state.wanted:
        begin(state, state.wanted, environment)
    progress.collect(state)
    controls.label_text(draft)
    with below:
        saving.draw(state, "t5", attention_shares.opening_view)
    with st.container(key="kvviz-status"):
        draw_status(state)
    cross_rows.draw(state)
    draw_run(state, environment)
    if state.shown is None and state.job is not None:
        st.skeleton(height=640)
    if state.shown is not None and state.job is None:
        state.address.write(link_of(state.shown, state.view))


def follow_link(state: PageState, environment: Environment, link: Link) -> None:
    """Make the page show what a link says."""
    parameters = link.parameters
    wanted, view, unusable = settings.parse(parameters, environment.max_new_tokens)
    head, unusable_too = settings.parse_encoder(parameters)
    attention_shares.choose_head(head)
    wanted = replace(wanted, device=environment.device)
    line = links.line_about(unusable + unusable_too)
    state.notes = (line,) if line else ()
    state.by_link, state.wanted = True, None
    if state.shown is not None and state.shown.settings == wanted:
        state.give_up_job()
        state.view, state.view_number = view, state.view_number + 1
        state.settle()
        return
    # Going back must not cost what was typed since the run on screen.
    if not (link.by_history and state.shown and not controls.say(state.shown.settings)):
        controls.put(wanted)
    state.coming = view
    if wanted.model == settings.MODEL and settings.MODEL not in bundled_models("t5"):
        state.notes += (
            "This installation has no T5 of its own. Name one in the sidebar, such as t5-small or "
            "the folder of another, and press Run.",
        )
        return
    if not environment.allows(wanted.model, typed_here=False):
        state.notes += (
            f"This link asks for the model {wanted.model}, which is not one that ships "
            "with kvviz. Press Run if you want it to be loaded.",
        )
        return
    state.wanted = wanted


def run(
    state: PageState, wanted: RunSettings, environment: Environment, problems: tuple[str, ...]
) -> None:
    """Do what Run asks for, unless a control stands in the way."""
    # A control that stands in the way says so itself; an error before that is of the past.
    state.notes, state.error = (), None
    if problems:
        return
    try:
        environment.require(wanted.model, typed_here=runs.is_local_visitor())
    except KvvizError as error:
        state.error, state.attempt = error, wanted
        return
    state.coming, state.by_link = replace(state.coming or state.view, step=0), False
    begin(state, wanted, environment)


def begin(state: PageState, wanted: RunSettings, environment: Environment) -> None:
    """Start a run in place of the one that may still be under way."""
    if state.job is not None:
        state.job.cancel()
    state.error, state.attempt, state.wanted = None, wanted, None
    want_both = (state.coming or state.view).cache != "on"
    state.job = runs.start(
        wanted,
        environment,
        want_both=want_both,
        family="t5",
        as_read=as_read,
        stops=final_sentinels,
    )


def link_of(shown: ShownRun, view: View) -> dict[str, str]:
    """Return the parameters that lead to a run and a view; none where only a file does."""
    if shown.origin != "run":
        return {}
    return settings.write(shown.settings, view, attention_shares.head_in_view(shown.trace))


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
    shown = state.shown
    if shown is not None and shown.note:
        notes.draw([shown.note], ":material/stop_circle:")
    if shown is not None and shown.origin == "run" and not n_blanks(shown.settings.prompt):
        st.info(
            "This text has no blank. A T5 that was only pre-trained has learnt to say what "
            "belongs into blanks; type ___ where a word is to be filled in.",
            icon=":material/info:",
        )


def offer_remedy(state: PageState) -> None:
    """Draw a button that does what helps against the error, where there is such a thing."""
    if state.error is None or state.attempt is None:
        return
    found = controls.remedy(state.error, state.attempt)
    if found is None:
        return
    label, wanted = found

    def take() -> None:
        controls.put(wanted)
        state.asked = True

    st.button(label, key="ed:remedy", on_click=take)


def draw_run(state: PageState, environment: Environment) -> None:
    """Draw the player and what stands below it."""
    shown = state.shown
    if shown is None:
        return

    def moved(view: View) -> bool:
        state.view = view
        state.address.write(link_of(shown, view))
        return cross_rows.looked(state)

    def other_way(cache: str) -> None:
        if shown.origin == "run":
            state.view = replace(state.view, cache=cache)
            begin(state, shown.settings, environment)
        else:
            # The player waits for that run until it is told to begin anew.
            state.view_number += 1
            state.notes = (
                "A saved run holds one way only. To see the other, type its text and press Run.",
            )
        st.rerun()

    player(
        shown,
        attention_shares.opening_view(shown, state.view),
        key="ed-player",
        view_number=state.view_number,
        on_view=moved,
        on_cache=other_way,
    )
    results.draw(shown, lambda: state.address.write(link_of(shown, state.view)))
