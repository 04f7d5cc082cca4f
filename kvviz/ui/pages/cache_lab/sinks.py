"""The third experiment: a window that keeps the first rows, and which heads look at these."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from jaxtyping import Float64

from kvviz.analysis import sink_mass
from kvviz.figures.sink_heads import sink_heads
from kvviz.figures.sink_losses import sink_losses
from kvviz.lessons import lessons
from kvviz.lessons.held_out import held_out_stories
from kvviz.translation import N_
from kvviz.translation import gettext as _
from kvviz.ui.pages.cache_lab import measured_here, recorded, sparing
from kvviz.ui.pages.cache_lab.bench import Bench
from kvviz.ui.pages.cache_lab.kept_part import WAYS
from kvviz.ui.pages.cache_lab.measured_here import Found
from kvviz.ui.pages.cache_lab.story_losses import StoryLosses
from kvviz.ui.pages.cache_lab.story_ways import SINK_ROWS, SINKS, sink_ways, sink_words
from kvviz.ui.parts import card_texts, chart
from kvviz.ui.parts.experiment import Experiment, Verdict, Work
from kvviz.ui.parts.figure_tag import figure_tag
from kvviz.ui.parts.tables import table
from kvviz.ui.shell.plain_text import plain_html

if TYPE_CHECKING:
    from kvviz.engine import LoadedModel
    from kvviz.ui.work.equal_work import Asker

MOST, HALF, LITTLE = "most", "half", "little"
LEFT = {
    MOST: N_("two thirds or more"),
    HALF: N_("between one third and two thirds"),
    LITTLE: N_("less than a third"),
}
PUBLISHED = (("0", "3,359.95"), ("1", "11.88"), ("2", "10.51"), ("4", "9.59"), ("8", "9.54"))
"""Sinks, and perplexity of Llama-2-7B by Xiao et al. (2023), arXiv 2309.17453, table 2."""
N_READ_FOR_HEADS = 256
FROM = 32
"""Queries before this one see so few rows that weight on the first says little."""


def draw(bench: Bench) -> None:
    """Draw the experiment."""
    found = measured_here.found(bench, lambda: work(bench), recorded.of_sinks)
    if measured_here.ask(bench, found, experiment(bench, found)) is None:
        return
    with bench.stage:
        left, right = st.columns([3, 2], gap="small")
        with left, st.container(border=True, key="kvviz-card-lab-sinks", height="stretch"):
            card(found)
        with right, st.container(border=True, key="kvviz-card-lab-published", height="stretch"):
            published()
    mass = bench.result(heads_work(bench))
    with bench.below, st.container(border=True, key="kvviz-card-lab-heads"):
        heads(mass)
    with bench.below:
        sparing.draw(bench)


def work(bench: Bench) -> Work:
    """Return the work that reads a story here, with each number of sinks."""
    said = _("Reading a story with {n} windows").format(n=len(SINKS))
    return measured_here.story_work(bench, "sinks", said, sink_ways())


def heads_work(bench: Bench) -> Work:
    """Return the work that measures the weight on the first row, head by head."""

    def do(model: LoadedModel, _asker: Asker) -> Float64[np.ndarray, "layer head"]:
        from kvviz.engine import trace_encoding

        text = next(iter(held_out_stories().values()))
        ids = [*model.first_ids, *model.tokenize(text)][:N_READ_FOR_HEADS]
        read = trace_encoding(model, ids, top_k=1)
        card = read.model
        return np.array(
            [
                [
                    float(sink_mass(read.pattern(layer, head))[FROM:].mean())
                    for head in range(card.n_heads)
                ]
                for layer in range(card.n_layers)
            ]
        )

    return bench.task("sink-heads", "", _("Looking where the heads look"), do)


def experiment(bench: Bench, found: Found[StoryLosses]) -> Experiment:
    """Return the experiment with one result."""
    return measured_here.story_experiment(
        bench, found, "sinks", LEFT, lambda: told(found), rows=SINK_ROWS
    )


def told(found: Found[StoryLosses]) -> Verdict:
    """Say what a window costs without sinks, and with them."""
    losses, words = found.result, sink_words()
    costs = {sinks: losses.cost(one) for sinks, one in words.items()}
    left = costs[1][0] / costs[0][0] if costs[0][0] > 0 else 1.0
    lines = [
        _("{n} sinks: {mean:+.3f} ± {error:.3f} nats a token, {bytes:,} B kept.").format(
            n=sinks, mean=mean, error=error, bytes=losses.n_bytes[words[sinks]]
        )
        for sinks, (mean, error) in costs.items()
    ]
    return Verdict(
        [{bucket(left)}],
        {
            "rows": SINK_ROWS,
            "left": f"{left:.0%}",
            **{f"with_{sinks}": f"{mean:+.2f}" for sinks, (mean, _error) in costs.items()},
        },
        lines,
        WAYS["window"].source,
        facts={
            "left": f"{left:.4f}",
            "recorded": int(found.is_recorded),
            **{f"cost-{sinks}": f"{mean:.4f}" for sinks, (mean, _error) in costs.items()},
        },
    )


def bucket(left: float) -> str:
    """Return the answer that a share of the cost belongs to."""
    return MOST if left >= 2 / 3 else LITTLE if left < 1 / 3 else HALF


def card(found: Found[StoryLosses]) -> None:
    """Draw what a window costs by its sinks."""
    losses = found.result
    costs = [losses.cost(one) for one in sink_words().values()]
    heading = _("{rows} rows, some of them the first").format(rows=SINK_ROWS)
    card_texts.head(heading, lessons().caption("sink-losses").text)
    spoken = "; ".join(
        _("{n} sinks: {mean:+.2f} nats").format(n=sinks, mean=mean)
        for sinks, (mean, _error) in zip(SINKS, costs, strict=True)
    )
    chart.draw(
        sink_losses(
            SINKS,
            np.array([mean for mean, _error in costs]),
            np.array([error for _mean, error in costs]),
        ),
        spoken,
        tags=found.tags,
    )


def published() -> None:
    """Draw what others have published of another model, in a table of its own."""
    caption = lessons().caption("published-sinks")
    heading = _("Published: Llama-2-7B")
    st.html(
        figure_tag("published")
        + card_texts.heading(heading)
        + card_texts.body(caption.text)
        + table("published-sinks", [_("sinks"), _("perplexity")], PUBLISHED)
        + card_texts.source(caption.source)
    )


def heads(mass: Float64[np.ndarray, "layer head"]) -> None:
    """Draw which heads put weight on the first row."""
    caption = lessons().caption("sink-heads")
    layer, head = np.unravel_index(int(mass.argmax()), mass.shape)
    heading = _("Which heads look at the first row")
    told = _(
        "Most of all: layer {layer}, head {head}, with {share:.0%} of its weight; all heads "
        "together {mean:.1%}."
    ).format(layer=layer, head=head, share=float(mass.max()), mean=float(mass.mean()))
    st.html(
        f"{card_texts.heading(heading)}"
        f'<p class="kvviz-body" data-kvviz="sink-heads" data-layer="{layer}" data-head="{head}" '
        f'data-most="{float(mass.max()):.4f}">{plain_html(told)} {plain_html(caption.text)}</p>'
    )
    chart.draw(sink_heads(mass), told, tags=["measured"])
    st.html(card_texts.source(caption.source))
