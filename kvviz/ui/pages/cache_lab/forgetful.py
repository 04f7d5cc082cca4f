"""The fourth experiment: a cache may go on fluently and have forgotten what was said."""

from __future__ import annotations

import streamlit as st

from kvviz.figures.error_lines import ErrorLine
from kvviz.figures.needle_gain import needle_gain
from kvviz.lessons import lessons
from kvviz.translation import N_, ngettext
from kvviz.translation import gettext as _
from kvviz.ui.pages.cache_lab import measured_here, recorded
from kvviz.ui.pages.cache_lab.bench import Bench
from kvviz.ui.pages.cache_lab.kept_part import WAYS as PUBLISHED_WAYS
from kvviz.ui.pages.cache_lab.measured_here import Found
from kvviz.ui.pages.cache_lab.needle import DISTANCES, FULL, ROWS, SPAN, Gains, read_needles
from kvviz.ui.parts import card_texts, chart
from kvviz.ui.parts.experiment import Choice, Experiment, Verdict, Work
from kvviz.ui.parts.tables import table
from kvviz.ui.shell.plain_text import percent, plain_html

NAMES = {
    FULL: N_("every row"),
    "window": N_("window"),
    "sinks": N_("window with 4 sinks"),
    "heavy": N_("heavy hitters (H2O)"),
    "lot-sinks": N_("control: by lot, with 4 sinks"),
}
ALL, SOME, NOTHING = "all", "some", "nothing"
LEFT = {ALL: N_("two thirds or more"), SOME: N_("a part"), NOTHING: N_("a tenth or less")}
N_HERE = 1
"""Spans that are said twice here: each takes as many passes as a long text."""


def draw(bench: Bench) -> None:
    """Draw the experiment."""
    found = measured_here.found(bench, lambda: work(bench), recorded.of_needles, lengths=False)
    with bench.card:
        done = experiment(bench, found).draw()
        st.html(said(found))
    if done is not None:
        with bench.stage, st.container(border=True, key="kvviz-card-lab-needle"):
            card(found)


def work(bench: Bench) -> Work:
    """Return the work that says a span twice here, at each distance."""
    return bench.task(
        "needle",
        N_HERE,
        _("Saying a span twice, at {n} distances").format(n=len(DISTANCES)),
        lambda model, asker: read_needles(
            model, n_spans=N_HERE, progress=asker.report, cancel=asker.cancelled
        ),
    )


def said(found: Found[Gains]) -> str:
    """Return the line on where the result comes from, as HTML."""
    spans = ngettext("{n} span", "{n} spans", found.result.n_spans).format(n=found.result.n_spans)
    form = (
        _("Recorded: {machine}; {spans} of held-out stories, each of {tokens} tokens.")
        if found.is_recorded
        else _("Measured here: {spans} of held-out stories, each of {tokens} tokens.")
    )
    told = form.format(
        machine=recorded.machine() if found.is_recorded else "", spans=spans, tokens=SPAN
    )
    name = "recorded" if found.is_recorded else "measured-here"
    return f'<p class="kvviz-source" data-kvviz="{name}">{plain_html(told)}</p>'


def experiment(bench: Bench, found: Found[Gains]) -> Experiment:
    """Return the experiment with one result."""
    return Experiment(
        "needle",
        [Choice({name: _(label) for name, label in LEFT.items()})],
        lambda _none: told(found),
        words={"span": SPAN, "far": DISTANCES[-1], "rows": ROWS},
        about=(bench.settings.model, found.is_recorded),
        is_open=found.is_recorded,
    )


def told(found: Found[Gains]) -> Verdict:
    """Say what is left of the gain at the largest distance."""
    gains = found.result
    far = {name: float(gains.mean(name)[-1]) for name in NAMES}
    near = {name: float(gains.mean(name)[0]) for name in NAMES}
    left = far["sinks"] / far[FULL] if far[FULL] > 0 else None
    lines = [
        _("{way}: {gains} nats a token.").format(
            way=_(label),
            gains=", ".join(
                f"{mean:+.2f} ± {error:.2f}"
                for mean, error in zip(gains.mean(name), gains.error(name), strict=True)
            ),
        )
        for name, label in NAMES.items()
    ]
    return Verdict(
        # Of nothing there is no part that could be left.
        [set[str]() if left is None else {bucket(left)}],
        {
            "far": DISTANCES[-1],
            "near": DISTANCES[0],
            "near_sinks": f"{near['sinks']:+.2f}",
            "near_full": f"{near[FULL]:+.2f}",
            "outcome": outcome(far["sinks"], far[FULL]),
            **{name.replace("-", "_"): f"{gain:+.2f}" for name, gain in far.items()},
        },
        [
            _("Gains at {distances} tokens between.").format(
                distances=", ".join(map(str, DISTANCES))
            ),
            *lines,
        ],
        PUBLISHED_WAYS["window"].source,
        facts={
            "left": "" if left is None else f"{left:.4f}",
            "recorded": int(found.is_recorded),
            **{f"{name}-gain": f"{gain:.4f}" for name, gain in far.items()},
        },
    )


def outcome(with_sinks: float, full: float) -> str:
    """Say what sinks have left of a gain, in nats a token, that every row gives."""
    if full <= 0:
        return _(
            "With every row nothing is gained there either: nothing was there to be forgotten."
        )
    if with_sinks >= full:
        return _("With sinks all of it is left.")
    if with_sinks <= 0:
        return _("With sinks nothing of it is left.")
    return _("With sinks {left} of it is left.").format(left=percent(with_sinks / full))


def bucket(left: float) -> str:
    """Return the answer that a share of the gain belongs to."""
    return ALL if left >= 2 / 3 else NOTHING if left <= 0.1 else SOME


def card(found: Found[Gains]) -> None:
    """Draw the gain over the distance, as a chart and as a table."""
    gains, caption = found.result, lessons().caption("needle-gain")
    heading = _("Fluent, and forgetful")
    lines = [
        ErrorLine(name, _(label), gains.mean(name), gains.error(name))
        for name, label in NAMES.items()
    ]
    card_texts.head(heading, caption.text)
    chart.draw(
        needle_gain(DISTANCES, lines),
        _("Gain of a second telling over the distance, for {n} caches; the table says the same.")
        .format(n=len(lines)),
        tags=found.tags,
    )  # fmt: skip
    header = [
        _("kept"),
        *(_("{n} tokens between").format(n=distance) for distance in DISTANCES),
    ]
    st.html(
        table(
            "needle-table",
            header,
            [[one.name, *(f"{value:+.2f}" for value in one.values)] for one in lines],
        )
        + card_texts.source(caption.source)
    )
