"""Learning from plain text: a text of one's own as a lesson, the training film, free running."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from kvviz.errors import KvvizError
from kvviz.lessons import lessons
from kvviz.ui.pages.language_modelling import (
    controls,
    masked_tokens,
    next_token,
    settings,
    teacher_forcing,
    training_film,
)
from kvviz.ui.pages.language_modelling.readings import read_next
from kvviz.ui.pages.language_modelling.settings import TextSettings
from kvviz.ui.pages.language_modelling.state import TextState
from kvviz.ui.parts import progress
from kvviz.ui.shell import notes
from kvviz.ui.shell.address import Link
from kvviz.ui.shell.environment import Environment
from kvviz.ui.shell.errors_shown import bounded, show_error
from kvviz.ui.shell.plain_text import plain_html
from kvviz.ui.work import runs
from kvviz.ui.work.jobs import Job


@bounded
def show() -> None:
    """Draw the page."""
    environment = Environment.read()
    state = TextState.here()
    state.address.follow(lambda link: follow_link(state, environment, link))
    st.title("Learning from plain text", anchor=False)
    st.html(f'<p class="kvviz-lead">{plain_html(lessons().caption("language-modelling").text)}</p>')
    draft = controls.draw(environment)
    if draft.read or state.asked:
        state.asked = False
        read(state, draft.settings, environment, draft.problems)
    elif state.wanted:
        begin(state, state.wanted, environment)
    state.collect()
    controls.label_text(draft)
    with st.container(key="kvviz-status"):
        draw_status(state)
    # The film is there before any text is read: what comes above it must not move it.
    above, film, below = st.container(), st.container(), st.container()
    with above:
        draw_above(state, environment)
    with film:
        st.header("How the two models learnt", anchor=False)
        training_film.draw(state)
    with below:
        if state.reading is not None:
            st.header("Told the truth, or left alone", anchor=False)
            teacher_forcing.draw(state)
    if state.job is None:
        state.write_link()


def draw_above(state: TextState, environment: Environment) -> None:
    """Draw the text as both models read it, or that the first reading is under way."""
    waiting = st.empty()
    if state.reading is None:
        if state.job is not None:
            waiting.skeleton(height=420)
        return
    st.header("The text is its own label", anchor=False)
    next_token.draw(state)
    st.header("The same text, with tokens hidden", anchor=False)
    masked_tokens.draw(state, environment)


def follow_link(state: TextState, environment: Environment, link: Link) -> None:
    """Make the page show what a link says."""
    wanted, view, unusable = settings.parse(link.parameters)
    wanted = replace(wanted, device=environment.device)
    n_points = training_film.n_points()
    if n_points and view.point >= n_points:
        unusable += (f"point is {view.point}, but the film has points 0 to {n_points - 1}",)
        view = replace(view, point=0)
    state.notes, state.unusable, state.wanted = (), unusable, None
    state.view, state.film_start = view, view.point
    controls.forget_given()
    if state.reading is not None and state.reading.settings == wanted:
        state.give_up_job()
        state.unusable += state.settle()
        return
    # Going back must not cost what was typed since the text on screen.
    if not (link.by_history and state.reading and not controls.say(state.reading.settings)):
        controls.put(wanted)
    unknown = [
        model for model in (wanted.model, wanted.bert)
        if not environment.allows(model, typed_here=False)
    ]  # fmt: skip
    if unknown:
        state.notes += (
            f"This link asks for the model {unknown[0]}, which is not one that ships "
            "with kvviz. Press Read it if you want it to be loaded.",
        )
        return
    state.wanted = wanted


def read(
    state: TextState, wanted: TextSettings, environment: Environment, problems: tuple[str, ...]
) -> None:
    """Do what “Read it” asks for, unless a control stands in the way."""
    # A control that stands in the way says so itself; an error before that is of the past.
    state.notes, state.unusable, state.error = (), (), None
    if problems:
        return
    try:
        environment.require(wanted.model, typed_here=runs.is_local_visitor())
    except KvvizError as error:
        state.error, state.attempt = error, wanted
        return
    controls.forget_given()
    state.view = replace(state.view, given=None)
    begin(state, wanted, environment)


def begin(state: TextState, wanted: TextSettings, environment: Environment) -> None:
    """Start a reading in place of the one that may still be under way."""
    if state.job is not None:
        state.job.cancel()
    state.error, state.attempt, state.wanted = None, wanted, None
    state.job = Job(lambda job: read_next(wanted, job), runs.queue(environment.concurrency))


def draw_status(state: TextState) -> None:
    """Draw what a reading under way, a failed one or an odd link have to say."""
    if state.job is not None:
        progress.draw(state)
    if state.error is not None:
        show_error(state.error)
        offer_remedy(state)
        if state.reading is not None:
            st.caption("Below is the text before, as it was read.")
    notes.draw(state.lines)


def offer_remedy(state: TextState) -> None:
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

    st.button(label, key="lm:remedy", on_click=take)
