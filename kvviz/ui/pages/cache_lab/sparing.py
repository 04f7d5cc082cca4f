"""Which layers can spare their rows: few rows in some, every row in all others."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from kvviz.analysis.paired_difference import paired_difference
from kvviz.figures.error_lines import ErrorLine
from kvviz.figures.loss_by_layer import loss_by_layer
from kvviz.lessons import lessons
from kvviz.translation import N_
from kvviz.translation import gettext as _
from kvviz.ui.pages.cache_lab import measured_here, recorded
from kvviz.ui.pages.cache_lab.bench import Bench
from kvviz.ui.pages.cache_lab.budgets import amount
from kvviz.ui.pages.cache_lab.measured_here import Found
from kvviz.ui.pages.cache_lab.settings import LabSettings
from kvviz.ui.pages.cache_lab.story_losses import StoryLosses, read_stories
from kvviz.ui.pages.cache_lab.story_ways import SPARED_ROWS, spared_name, spared_ways
from kvviz.ui.parts import card_texts, chart
from kvviz.ui.parts.experiment import Experiment, Verdict, Work
from kvviz.ui.parts.quantity import in_bytes
from kvviz.ui.parts.tables import table

if TYPE_CHECKING:
    from kvviz.engine import LoadedModel
    from kvviz.ui.work.equal_work import Asker

FIRST, MIDDLE, LAST = "first", "middle", "last"
THIRDS = {
    FIRST: N_("in the first third of the layers"),
    MIDDLE: N_("in the middle"),
    LAST: N_("in the last third"),
}
LOT, HEAVY = "lot", "heavy"
NAMES = {LOT: N_("by lot, with four sinks: the control"), HEAVY: N_("heavy hitters (H2O)")}
STYLES = {LOT: "lot-sinks", HEAVY: "heavy"}
SOURCE = (
    "Cai et al. (2024), PyramidKV: Dynamic KV Cache Compression based on Pyramidal Information "
    "Funneling, section 4, arXiv 2406.02069."  # not for people: a source
)


def draw(bench: Bench) -> None:
    """Draw the question below that on sinks, and all layers once it is answered."""
    place = st.container(border=True, key="kvviz-card-lab-sparing")
    caption = lessons().caption("spare-layers")
    with place:
        card_texts.head(_("Which layers can spare their rows"), caption.text)
    here = replace(bench, card=place)
    has_record = recorded.of_sparing() is not None and bench.settings.model == LabSettings.model
    if not has_record and not measured_here.is_asked(here, work(bench), "spare"):
        return
    found = measured_here.found(
        here, lambda: work(bench), recorded.of_sparing, lengths=False, key="spare"
    )
    with place:
        done = experiment(bench, found).draw()
        losses = found.result
        st.html(measured_here.said(found.is_recorded, losses.n_stories, losses.n_read))
        if done is not None:
            picture(found)
            st.html(card_texts.source(caption.source))


def work(bench: Bench) -> Work:
    """Return the work that reads a story here, with few rows in one stretch of layers at a time."""
    n_read = bench.settings.tokens

    def do(model: LoadedModel, asker: Asker) -> StoryLosses:
        return read_stories(
            model,
            spared_ways(model.card.n_layers),
            n_read=n_read,
            n_stories=1,
            progress=asker.report,
            cancel=asker.cancelled,
        )

    return bench.task("sparing", n_read, _("Reading a story with few rows in some layers"), do)


def layers_of(losses: StoryLosses) -> list[range]:
    """Return the stretches of layers that were tried, in their order."""
    ends = [name.partition(":")[2].split("-") for name in losses.more if name.startswith(LOT)]
    return [range(int(first), int(last) + 1) for first, last in ends]


def third_of(layers: range, n_layers: int) -> str:
    """Return in which third of all layers the middle of some lies."""
    middle = (layers.start + layers.stop) / 2 / n_layers
    return FIRST if middle < 1 / 3 else MIDDLE if middle <= 2 / 3 else LAST


def experiment(bench: Bench, found: Found[StoryLosses]) -> Experiment:
    """Return the experiment with one result."""
    return measured_here.story_experiment(
        bench, found, "spare-layers", THIRDS, lambda: told(found), rows=SPARED_ROWS
    )


def told(found: Found[StoryLosses]) -> Verdict:
    """Say where few rows cost most, and where least, with the control beside the score."""
    losses = found.result
    tried = layers_of(losses)
    n_layers = tried[-1].stop
    costs = {rule: [losses.cost(spared_name(rule, one))[0] for one in tried] for rule in NAMES}
    worst, least = int(np.argmax(costs[LOT])), int(np.argmin(costs[LOT]))
    most = losses.more[spared_name(LOT, tried[worst])]
    right = {third_of(tried[worst], n_layers)} | {
        third_of(one, n_layers)
        for one in tried
        # One that stories cannot tell from the worst is as right.
        if losses.n_stories > 1
        and not paired_difference(most, losses.more[spared_name(LOT, one)]).is_sure
    }
    return Verdict(
        [right],
        {
            "rows": SPARED_ROWS,
            "worst": named(tried[worst]),
            "most": f"{costs[LOT][worst]:+.2f}",
            "heavy_most": f"{costs[HEAVY][worst]:+.2f}",
            "least_layers": named(tried[least]),
            "least": f"{costs[LOT][least]:+.2f}",
            "heavy_least": f"{costs[HEAVY][least]:+.2f}",
        },
        [
            _("{layers}: {lot} by lot, {heavy} by H2O, nats a token.").format(
                layers=named(one), lot=f"{lot:+.3f}", heavy=f"{heavy:+.3f}"
            )
            for one, lot, heavy in zip(tried, costs[LOT], costs[HEAVY], strict=True)
        ],
        SOURCE,
        facts={
            "worst": tried[worst].start,
            "most": f"{costs[LOT][worst]:.4f}",
            "least": f"{costs[LOT][least]:.4f}",
            "recorded": int(found.is_recorded),
        },
    )


def named(layers: range) -> str:
    """Return what some layers are called."""
    if len(layers) == 1:
        return _("layer {n}").format(n=layers.start)
    return _("layers {first} to {last}").format(first=layers.start, last=layers.stop - 1)


def picture(found: Found[StoryLosses]) -> None:
    """Draw what few rows cost in each stretch of layers, as a chart and as a table."""
    losses = found.result
    tried = layers_of(losses)
    lines: list[ErrorLine] = []
    for rule, name in NAMES.items():
        costs = [losses.cost(spared_name(rule, one)) for one in tried]
        means, errors = (np.array(each) for each in zip(*costs, strict=True))
        lines.append(ErrorLine(STYLES[rule], _(name), means, errors))
    shown = [f"{one.start}" if len(one) == 1 else f"{one.start}–{one.stop - 1}" for one in tried]
    chart.draw(
        loss_by_layer(shown, lines),
        _("What {rows} rows in some layers cost; the table says the same.").format(
            rows=SPARED_ROWS
        ),
        tags=found.tags,
    )
    header = [_("layers with {rows} rows").format(rows=SPARED_ROWS), *map(_, NAMES.values())]
    st.html(
        table(
            "layer-table",
            [*header, _("bytes, of {full}").format(full=in_bytes(losses.full_bytes))],
            [
                [
                    named(one),
                    *(amount(line.values[at], line.errors[at]) for line in lines),
                    in_bytes(losses.n_bytes[spared_name(LOT, one)]),
                ]
                for at, one in enumerate(tried)
            ],
        )
    )
