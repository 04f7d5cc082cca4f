"""Speed and memory: the same tokens with the cache and without, and what the cache takes."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import streamlit as st

from kvviz.lessons import lessons
from kvviz.translation import gettext as _
from kvviz.ui.pages.speed_and_memory import (
    live_race,
    memory_part,
    race_controls,
    result_part,
    roof_part,
    time_part,
)
from kvviz.ui.pages.speed_and_memory.live_race import LiveRace
from kvviz.ui.pages.speed_and_memory.settings import PREFIX, RaceSettings, race_fields
from kvviz.ui.pages.speed_and_memory.state import NAME, Finished, SpeedState
from kvviz.ui.parts import work_status
from kvviz.ui.parts.one_line_title import one_line_title
from kvviz.ui.shell.address import Link
from kvviz.ui.shell.environment import Environment
from kvviz.ui.shell.errors_shown import bounded
from kvviz.ui.shell.links import lines_about
from kvviz.ui.work import runs
from kvviz.ui.work.admission import Ask
from kvviz.ui.work.jobs import Job
from kvviz.ui.work.keeping import cache_for
from kvviz.ui.work.model_store import model_store

STYLE = Path(__file__).parent / "speed_and_memory.css"


@bounded
def show() -> None:
    """Draw the page."""
    environment = Environment.read()
    state = SpeedState.here(NAME)
    state.address.follow(lambda link: take_link(state, environment, link))
    if f"{PREFIX}new" not in st.session_state:
        race_controls.put(state.settings)
    st.html(f"<style>{_rules()}</style>")
    lead = lessons().caption("speed-and-memory").text
    one_line_title(_("Speed and memory"), lead, _("The race"))
    race_controls.experiment(state).ask()
    draft = race_controls.draw(environment)
    pressed = draft.start.take()
    if pressed or state.asked:
        race(state, draft, environment, by_answer=not pressed)
    state.collect()
    with st.container(key="kvviz-status"):
        draw_status(state)
    if state.job is None:
        result_part.draw(state)
    result_part.against_length(state.finished)
    if state.finished is not None:
        draw_rest(state, state.finished, environment)
    state.address.write(race_fields().write(state.settings))


def take_link(state: SpeedState, environment: Environment, link: Link) -> None:
    """Make the page show what a link says."""
    wanted, unusable = race_fields(environment.max_new_tokens).parse(link.parameters)
    state.settings = replace(wanted, device=environment.device)
    state.notes = lines_about(unusable)
    race_controls.put(state.settings)


def race(
    state: SpeedState, draft: race_controls.Draft, environment: Environment, *, by_answer: bool
) -> None:
    """Start a race of what the controls say, unless one of them stands in the way."""
    state.asked, state.notes = False, ()
    if draft.problems:
        return
    state.settings, state.error = draft.settings, None
    if by_answer and state.answered is None:
        state.answered = draft.settings
    if not state.may_load(draft.settings.model, environment):
        return
    for under_way in (state.parts, state.roof):
        under_way.stop()
    state.give_up_job()
    wanted, live = draft.settings, LiveRace(draft.settings.new, draft.settings.repeats)
    state.live = live
    queue = runs.queue(environment.concurrency)
    state.job = Job(
        lambda job: run(wanted, live, job),
        queue,
        asks=Ask(new=wanted.new, sequences=wanted.batch),
        says=live.said,
        shows=live.shown,
    )


def run(wanted: RaceSettings, live: LiveRace, job: Job) -> Finished:
    """Load the model and race."""
    # First the model: two threads that import transformers at the same time trip over each other,
    # and loading keeps them apart.
    model = model_store().get(wanted.of_model)

    from kvviz.engine.models.device_memory import free_bytes
    from kvviz.engine.timing.race import RaceStep
    from kvviz.engine.timing.race import race as engine_race

    def hear(step: RaceStep) -> None:
        live.hear(step)
        job.report(step.done, step.n_steps)

    found = engine_race(
        model,
        n_prompt=wanted.prompt_tokens,
        n_new=wanted.new,
        batch=wanted.batch,
        repeats=wanted.repeats,
        cache=cache_for(wanted.cache),
        on_step=hear,
        cancel=job.cancelled,
    )
    text, plain = (
        model.text_of(ids[0, found.n_prompt :].tolist())
        for ids in (found.token_ids, found.uncached_token_ids)
    )
    return Finished(wanted, found, text, plain, free_bytes(model.device))


def draw_status(state: SpeedState) -> None:
    """Draw the race under way, what went wrong, or what an odd link has to say."""
    work_status.draw(
        state,
        before=_("Below is the race before, as it was.") if state.finished else "",
        remedy=lambda error: race_controls.remedy(state),
        put=race_controls.put,
        key="speed:remedy",
        under_way=lambda: live_race.draw(state),
    )


def draw_rest(state: SpeedState, finished: Finished, environment: Environment) -> None:
    """Draw what is to be learnt from the race on screen."""
    st.header(_("Where the time goes"), anchor=False)
    left, right = st.columns([2, 3], gap="small")
    with left:
        time_part.work_and_time(finished.race)
    with right:
        time_part.parts_of_a_step(state, environment)
    st.header(_("What it takes in memory"), anchor=False)
    memory_part.draw(finished)
    st.header(_("FLOPs, bytes, and the roof"), anchor=False)
    roof_part.draw(state, environment)


@cache
def _rules() -> str:
    return STYLE.read_text(encoding="utf-8")
