"""The first experiment: keep a part of the rows, beside the full cache and the control."""

from __future__ import annotations

import streamlit as st

from kvviz.translation import gettext as _
from kvviz.ui.pages.cache_lab import at_the_step, beside_control, recorded, run_player, settings
from kvviz.ui.pages.cache_lab.bench import Bench
from kvviz.ui.pages.cache_lab.beside_control import ALIKE, WAY, BesideControl
from kvviz.ui.pages.cache_lab.control import named
from kvviz.ui.pages.cache_lab.judgement import Judgement
from kvviz.ui.pages.cache_lab.kept_part import WAYS, KeptPart
from kvviz.ui.pages.cache_lab.kept_run import KeptRun, reading_task, run_task
from kvviz.ui.pages.cache_lab.named_choice import choose_named
from kvviz.ui.pages.cache_lab.recorded_run import recorded_run
from kvviz.ui.pages.cache_lab.settings import MOST_NEW
from kvviz.ui.pages.cache_lab.state import PREFIX, LabState
from kvviz.ui.parts.experiment import Choice, Experiment, Verdict

LOT = "lot"


def draw(bench: Bench) -> None:
    """Draw the experiment."""
    with bench.card:
        controls(bench.state)
        question = st.container(key="kvviz-lab-question")
    run: KeptRun = recorded_run(bench.settings) or bench.result(run_task(bench))
    with question:
        done = recorded.ask(
            experiment(bench, run),
            said_of(run),
            is_recorded=recorded.of_keep(bench.settings) is not None,
        )
    with bench.stage:
        run_player.draw(
            bench,
            run.shown,
            _(
                "Here the run is shown that keeps a part of its rows. “{page}” shows one with "
                "every row, and without any."
            ),
        )
    if done is not None:
        with bench.below:
            at_the_step.draw(run, run_player.shown_view(bench.state, run.shown))


def said_of(run: KeptRun) -> str:
    """Return what is said of where the numbers come from, while the sentence is that of the page.

    Another number of new tokens leaves the sentence as it is: it is of the text alone.
    """
    if run.shown.observed == "recorded":
        return _(
            "The sentence is recorded: {machine}. So is the run below, and both ship. Change the "
            "text or the rows, and all of it is measured here."
        )
    return _(
        "The sentence is recorded: {machine}. It ships; the run below is made here. "
        "Change the text or the rows, and all of it is measured here."
    )


def controls(state: LabState) -> None:
    """Draw which rows are kept, and how far the text is gone on with."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="kvviz-lab-controls"):
        labels = {name: one.label for name, one in WAYS.items()}
        way = choose_named(_("Keep"), "way", labels, 330)
        rows = _number(_("Rows a head"), "rows")
        takes = WAYS[way].takes_sinks
        sinks = _number(_("Sinks among them"), "sinks", disabled=not takes)
        new = _number(_("New tokens"), "new")
    usual = settings.LabSettings()
    wanted = KeptPart(
        way,
        usual.cache.rows if rows is None else int(rows),
        int(sinks or 0) if takes else 0,
    )
    n_new = usual.new if new is None else int(new)
    state.change(cache=wanted, new=min(max(n_new, 1), MOST_NEW))


def _number(label: str, name: str, *, disabled: bool = False) -> float | None:
    limits = {"new": (1, MOST_NEW), "rows": (None, None), "sinks": (0, None)}[name]
    return st.number_input(
        label,
        key=f"{PREFIX}{name}",
        min_value=limits[0],
        max_value=limits[1],
        step=1,
        disabled=disabled,
        persist_state="session",
        width=140,
    )


def experiment(bench: Bench, run: KeptRun) -> Experiment:
    """Return the experiment with one text and one way of keeping rows."""
    wanted = bench.settings
    part = wanted.cache
    way = part.told
    shipped = recorded.of_keep(wanted)
    choices = [
        Choice(
            {
                WAY: way,
                LOT: _("rows drawn by lot"),
                ALIKE: _("no difference that this text can show"),
            }
        )
    ]
    return Experiment(
        "keep-a-part",
        choices if run.control is not None else [],
        lambda found: told(run, part, shipped or found, is_recorded=shipped is not None),
        words={"rows": part.rows, "way": way},
        about=(wanted.model, wanted.text, str(part)),
        work=None if shipped else reading_task(bench),
        is_open=shipped is not None,
        picture_stays=True,
    )


def told(run: KeptRun, part: KeptPart, found: Judgement, *, is_recorded: bool) -> Verdict:
    """Say what came out, with the control beside it."""
    way = WAYS[part.way]
    lines = [
        _(way.keeps),
        _(
            "Loss a token with every row: {full:.3f} nats; with {way}: {loss:.3f} nats, over "
            "{n} tokens."
        ).format(
            full=found.full_loss,
            way=part.told,
            loss=found.caches[run.words].loss,
            n=found.n_scored,
        ),
    ]
    source = recorded.source(way.source, is_recorded=is_recorded)
    words: dict[str, object] = {"way": beside_control.capital(part.told)}
    facts: dict[str, object] = {"recorded": int(is_recorded)}
    if run.control is None:
        said = _(
            "{way}: {kl} nats a token away from the full cache, and the same likeliest token "
            "{same} times of {n}; the text costs {more} nats a token more. Kept: {bytes} of "
            "{full_bytes}."
        ).format(**words, **beside_control.amounts(found, run.words))
        facts |= beside_control.facts(found, run.words)
        return Verdict([], said, lines, source, facts=facts)
    both = BesideControl(found, run.words, run.control, LOT)
    lines += [
        _("Its control: {control}; loss {loss:.3f} nats.").format(
            control=named(run.control), loss=both.of_control.loss
        ),
        both.difference,
    ]
    words |= both.amounts | {"outcome": outcome(both.nearer, part)}
    return Verdict([{both.nearer}], words, lines, source, facts=facts | both.facts)


def outcome(answer: str, part: KeptPart) -> str:
    """Say in a sentence what a difference comes to."""
    if answer == ALIKE:
        return beside_control.nothing_shown()
    if answer == LOT:
        return _("Rows drawn by lot come nearer to the full cache.")
    # Translators: {way} is "a window of the last rows" or the like.
    return _("Nearer to the full cache comes {way}.").format(way=part.told)
