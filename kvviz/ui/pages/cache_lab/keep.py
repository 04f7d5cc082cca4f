"""The first experiment: keep a part of the rows, beside the full cache and the control."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from kvviz.analysis.paired_difference import PairedDifference, paired_difference
from kvviz.translation import gettext as _
from kvviz.translation import ngettext
from kvviz.ui.pages.cache_lab import at_the_step, recorded, run_player, settings
from kvviz.ui.pages.cache_lab.bench import Bench
from kvviz.ui.pages.cache_lab.judgement import Judgement
from kvviz.ui.pages.cache_lab.kept_part import WAYS, KeptPart
from kvviz.ui.pages.cache_lab.kept_run import KeptRun, reading_task, run_task
from kvviz.ui.pages.cache_lab.settings import MOST_NEW
from kvviz.ui.pages.cache_lab.state import PREFIX, LabState
from kvviz.ui.parts.experiment import Choice, Experiment, Verdict
from kvviz.ui.parts.quantity import in_bytes

WAY, LOT, ALIKE = "way", "lot", "alike"


def draw(bench: Bench) -> None:
    """Draw the experiment."""
    with bench.card:
        controls(bench.state)
        question = st.container(key="kvviz-lab-question")
    run: KeptRun = bench.result(run_task(bench))
    with question:
        done = experiment(bench, run).draw()
        if recorded.of_keep(bench.settings) is not None:
            recorded.say(
                _(
                    "The sentence is recorded: {machine}. It ships; the run below is made here. "
                    "Change the text or the rows, and all of it is measured here."
                )
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


def controls(state: LabState) -> None:
    """Draw which rows are kept, and how far the text is gone on with."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="kvviz-lab-controls"):
        way = st.selectbox(
            _("Keep"),
            list(WAYS),
            key=f"{PREFIX}way",
            format_func=lambda name: _(WAYS[name].label),
            persist_state="session",
            width=330,
        )
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
    )


def told(run: KeptRun, part: KeptPart, found: Judgement, *, is_recorded: bool) -> Verdict:
    """Say what came out, with the control beside it."""
    own = found.caches[run.words]
    facts: dict[str, object] = {
        "loss": f"{own.loss:.4f}",
        "full-loss": f"{found.full_loss:.4f}",
        "kl": f"{own.kl:.4f}",
        "n-same": own.n_same,
        "n-scored": found.n_scored,
        "cache-bytes": own.n_bytes,
        "full-bytes": found.full_bytes,
        "recorded": int(is_recorded),
    }
    words: Mapping[str, object] = {
        "way": _capital(part.told),
        "n": found.n_scored,
        "kl": f"{own.kl:.3f}",
        "same": own.n_same,
        "more": f"{own.loss - found.full_loss:+.3f}",
        "bytes": in_bytes(own.n_bytes),
        "full_bytes": in_bytes(found.full_bytes),
    }
    lines = [
        _(WAYS[part.way].keeps),
        _(
            "Loss a token with every row: {full:.3f} nats; with {way}: {loss:.3f} nats, over "
            "{n} tokens."
        ).format(full=found.full_loss, way=part.told, loss=own.loss, n=found.n_scored),
    ]
    source = " ".join(
        one
        for one in (_("Recorded, and shipped.") if is_recorded else "", WAYS[part.way].source)
        if one
    )
    if run.control is None:
        said = _(
            "{way}: {kl} nats a token away from the full cache, and the same likeliest token "
            "{same} times of {n}; the text costs {more} nats a token more. Kept: {bytes} of "
            "{full_bytes}."
        ).format(**words)
        return Verdict([], said, lines, source, facts=facts)
    control = found.caches[run.control]
    apart = paired_difference(own.divergences, control.divergences)
    facts |= {
        "control-loss": f"{control.loss:.4f}",
        "control-kl": f"{control.kl:.4f}",
        "control-bytes": control.n_bytes,
        "outcome-is": nearer(apart),
    }
    lines += [
        _("Its control: {control}; loss {loss:.3f} nats.").format(
            control=named(run.control), loss=control.loss
        ),
        _(
            "Difference of both from the full cache, token by token: {mean:+.3f} ± {error:.3f} "
            "nats (standard error). Below twice its error it is called none."
        ).format(mean=apart.mean, error=apart.error),
    ]
    return Verdict(
        [{nearer(apart)}],
        {
            **words,
            "outcome": outcome(nearer(apart), part),
            "control_kl": f"{control.kl:.3f}",
            "control_same": control.n_same,
            "control_more": f"{control.loss - found.full_loss:+.3f}",
        },
        lines,
        source,
        facts=facts,
    )


def nearer(apart: PairedDifference) -> str:
    """Return the answer that a difference of the way from its control comes to."""
    if not apart.is_sure:
        return ALIKE
    return WAY if apart.mean < 0 else LOT


def outcome(answer: str, part: KeptPart) -> str:
    """Say in a sentence what a difference comes to."""
    if answer == ALIKE:
        return _("On this text no difference of both can be shown.")
    if answer == LOT:
        return _("Rows drawn by lot come nearer to the full cache.")
    # Translators: {way} is "a window of the last rows" or the like.
    return _("Nearer to the full cache comes {way}.").format(way=part.told)


def named(control: str) -> str:
    """Return what a control keeps, in the language of the page."""
    from kvviz.engine.caches.cache_words import cache_of

    cache = cache_of(control)
    facts = {name: getattr(cache, name) for name in ("budget", "recent", "sinks", "once")}
    sinks = ngettext("{n} sink", "{n} sinks", facts["sinks"]).format(n=facts["sinks"])
    form = (
        _("{rows} rows of the prompt by lot, once")
        if facts["once"]
        else _("{rows} rows a head by lot, {share:.0%} of them the last ones, {sinks}")
    )
    return form.format(rows=facts["budget"], share=facts["recent"], sinks=sinks)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
