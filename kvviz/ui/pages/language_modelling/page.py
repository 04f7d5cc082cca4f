"""Learning from plain text: a text of one's own as a lesson, the training film, free running."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from kvviz.lessons import lessons
from kvviz.translation import gettext as _
from kvviz.ui.pages.language_modelling import (
    controls,
    masked_tokens,
    next_token,
    settings,
    teacher_forcing,
    training_film,
)
from kvviz.ui.pages.language_modelling.readings import read_next
from kvviz.ui.pages.language_modelling.recorded_lesson import recorded_lesson
from kvviz.ui.pages.language_modelling.settings import TextSettings
from kvviz.ui.pages.language_modelling.state import NAME, TextState
from kvviz.ui.parts import work_status
from kvviz.ui.parts.one_line_title import one_line_title
from kvviz.ui.parts.text_controls import Draft
from kvviz.ui.shell.address import Link
from kvviz.ui.shell.environment import Environment
from kvviz.ui.shell.errors_shown import bounded
from kvviz.ui.work import preload, runs
from kvviz.ui.work.admission import Ask
from kvviz.ui.work.jobs import Job
from kvviz.ui.work.model_names import not_offered


@bounded
def show() -> None:
    """Draw the page."""
    environment = Environment.read()
    state = TextState.here(NAME)
    if state.address.is_come_to:
        # The film is mounted anew, and begins where it is told and not where one was.
        state.film_start = state.view.point
    state.address.follow(lambda link: take_link(state, environment, link))
    if state.reading is not None:
        controls.CONTROLS.keep(state.reading.settings)
    one_line_title(_("Learning from plain text"), lessons().caption("language-modelling").text)
    draft = controls.draw(environment)
    if draft.run.take() or state.asked:
        state.asked = False
        read(state, draft, environment)
    elif state.wanted:
        open_text(state, state.wanted, environment)
    state.collect()
    controls.CONTROLS.label(draft)
    with st.container(key="kvviz-status"):
        draw_status(state)
    # The film is there before any text is read: what comes above it must not move it.
    above, film, below = st.container(), st.container(), st.container()
    with above:
        draw_above(state, environment)
    with film:
        st.header(_("How the two models learnt"), anchor=False)
        training_film.draw(state)
    with below:
        if state.reading is not None:
            st.header(_("Told the truth, or left alone"), anchor=False)
            teacher_forcing.draw(state)
    if state.job is None:
        state.write_link()
    preload.begin()


def draw_above(state: TextState, environment: Environment) -> None:
    """Draw the text as both models read it, or that the first reading is under way."""
    waiting = st.empty()
    if state.reading is None:
        if state.job is not None:
            waiting.skeleton(height=420)
        return
    st.header(_("The text is its own label"), anchor=False)
    next_token.draw(state.reading)
    st.header(_("The same text, with tokens hidden"), anchor=False)
    masked_tokens.draw(state, environment)


def take_link(state: TextState, environment: Environment, link: Link) -> None:
    """Make the page show what a link says."""
    wanted, view, unusable = settings.parse(link.parameters)
    wanted = replace(wanted, device=environment.device)
    n_points = training_film.n_points()
    if n_points and view.point >= n_points:
        unusable += (
            _("point is {point}, but the film has points 0 to {last}").format(
                point=view.point, last=n_points - 1
            ),
        )
        view = replace(view, point=0)
    state.notes, state.unusable, state.wanted = (), unusable, None
    state.view, state.film_start = view, view.point
    state.choices_of_given += 1
    on_screen = None if state.reading is None else state.reading.settings
    if on_screen == wanted:
        state.give_up_job()
        state.unusable += state.settle()
        return
    controls.CONTROLS.take_link(wanted, on_screen, by_history=link.by_history)
    for model in (wanted.model, wanted.bert):
        if not environment.allows(model, typed_here=False):
            state.notes += (
                not_offered(model)
                if not environment.mode.is_open
                else _(
                    "This link asks for the model {model}, which is not one that ships with kvviz. "
                    "Press Read it if you want it to be loaded."
                ).format(model=model),
            )
            return
    state.wanted = wanted


def read(state: TextState, draft: Draft[TextSettings], environment: Environment) -> None:
    """Do what “Read it” asks for, unless a control stands in the way."""
    # A control that stands in the way says so itself; an error before that is of the past.
    state.notes, state.unusable, state.error = (), (), None
    if draft.problems:
        return
    state.attempt = draft.settings
    if state.may_load(draft.settings.model, environment):
        state.choices_of_given += 1
        state.view = replace(state.view, given=None)
        begin(state, draft.settings, environment)


def open_text(state: TextState, wanted: TextSettings, environment: Environment) -> None:
    """Show the text that a link asks for: the one that ships as it was read, others once read."""
    lesson = recorded_lesson()
    if not lesson.is_of(wanted):
        begin(state, wanted, environment)
        return
    state.give_up_job()
    state.attempt, state.wanted = wanted, None
    state.show(lesson.reading_for(wanted))


def begin(state: TextState, wanted: TextSettings, environment: Environment) -> None:
    """Start a reading in place of the one that may still be under way."""
    state.give_up_job()
    state.error, state.attempt, state.wanted = None, wanted, None
    queue = runs.queue(environment.concurrency)
    state.job = Job(lambda job: read_next(wanted, job), queue, asks=Ask((wanted.text,)))


def draw_status(state: TextState) -> None:
    """Draw what a reading under way, a failed one or an odd link have to say."""
    attempt = state.attempt
    work_status.draw(
        state,
        before=_("Below is the text before, as it was read.") if state.reading else "",
        remedy=lambda error: None if attempt is None else controls.remedy(error, attempt),
        put=controls.CONTROLS.put,
        key="lm:remedy",
        lines=state.lines,
    )
