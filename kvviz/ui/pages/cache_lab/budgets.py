"""The second experiment: what every way and every control costs, over the budget."""

from __future__ import annotations

import numpy as np
import streamlit as st

from kvviz.analysis.paired_difference import paired_difference
from kvviz.figures.error_lines import ErrorLine
from kvviz.figures.loss_by_budget import loss_by_budget
from kvviz.lessons import lessons
from kvviz.translation import N_
from kvviz.translation import gettext as _
from kvviz.ui.pages.cache_lab import measured_here, recorded
from kvviz.ui.pages.cache_lab.bench import Bench
from kvviz.ui.pages.cache_lab.kept_part import WAYS
from kvviz.ui.pages.cache_lab.measured_here import Found
from kvviz.ui.pages.cache_lab.story_losses import StoryLosses
from kvviz.ui.pages.cache_lab.story_ways import BUDGETS, LINES, all_ways
from kvviz.ui.parts import card_texts, chart
from kvviz.ui.parts.experiment import Experiment, Verdict, Work
from kvviz.ui.parts.tables import table

NAMES = {
    "window": N_("window"),
    "sinks": N_("window with 4 sinks"),
    "heavy": N_("heavy hitters (H2O)"),
    "least": N_("all but the least attended (TOVA)"),
    "lot": N_("by lot, half recent: control of window and H2O"),
    "lot-sinks": N_("by lot, half recent, 4 sinks: control of sinks"),
    "lot-alone": N_("by lot alone: control of TOVA"),
}
ASKED = ("window", "sinks", "heavy", "least", "lot-sinks")
SHORT = {"lot-sinks": N_("rows by lot, with 4 sinks")}
ASKED_AT = 32


def draw(bench: Bench) -> None:
    """Draw the experiment."""
    found = measured_here.found(bench, lambda: work(bench), recorded.of_stories)
    if measured_here.ask(bench, found, experiment(bench, found)) is not None:
        with bench.stage:
            card(found)


def work(bench: Bench) -> Work:
    """Return the work that reads a story here, with all ways at all budgets."""
    ways = all_ways(BUDGETS)
    said = _("Reading a story in {n} ways").format(n=len(ways))
    return measured_here.story_work(bench, "budgets", said, ways)


def experiment(bench: Bench, found: Found[StoryLosses]) -> Experiment:
    """Return the experiment with one result."""
    answers = {name: SHORT.get(name, NAMES[name]) for name in ASKED}
    return measured_here.story_experiment(
        bench, found, "loss-by-budget", answers, lambda: told(found), rows=ASKED_AT
    )


def told(found: Found[StoryLosses]) -> Verdict:
    """Say which way costs least at one budget, with the others and the controls beside it."""
    losses = found.result
    words = {name: line.words(ASKED_AT) for name, line in LINES.items()}
    costs = {name: losses.cost(one) for name, one in words.items()}
    best = min(ASKED, key=lambda name: costs[name][0])
    right = {best} | {name for name in ASKED if not is_dearer(losses, words[name], words[best])}
    amounts = {name.replace("-", "_"): f"{mean:+.2f}" for name, (mean, _error) in costs.items()}
    lines = [
        _("{way}: {mean:+.3f} ± {error:.3f} nats a token, the same token at {same:.0%}.").format(
            way=_(NAMES[name]), mean=mean, error=error, same=float(losses.same[words[name]].mean())
        )
        for name, (mean, error) in costs.items()
    ]
    lines.append(
        _(
            "Published, of H2O on other models: a budget of {share} of the rows, and up to {times} "
            "less cache."
        ).format(share="20 %", times="5×")
    )
    sources = dict.fromkeys(WAYS[line.way].source for line in LINES.values())
    return Verdict(
        [right],
        {
            "rows": ASKED_AT,
            "best": _(SHORT.get(best, NAMES[best])),
            "full": f"{losses.full.mean():.2f}",
            **amounts,
        },
        lines,
        " ".join(one for one in sources if one),
        facts={
            "best": best,
            "recorded": int(found.is_recorded),
            "full-loss": f"{losses.full.mean():.4f}",
            **{f"{name}-cost": f"{mean:.4f}" for name, (mean, _error) in costs.items()},
        },
    )


def is_dearer(losses: StoryLosses, one: str, best: str) -> bool:
    """Whether a way can be told from the best: over stories, or where there is one, at all."""
    if losses.n_stories == 1:
        return True
    return paired_difference(losses.more[one], losses.more[best]).is_sure


def card(found: Found[StoryLosses]) -> None:
    """Draw all ways over all budgets, as a chart and as a table."""
    losses, caption = found.result, lessons().caption("loss-by-budget")
    heading = _("Loss against budget")
    costs = {
        name: [losses.cost(line.words(rows)) for rows in BUDGETS] for name, line in LINES.items()
    }
    lines = [
        ErrorLine(
            name,
            _(NAMES[name]),
            np.array([mean for mean, _error in each]),
            np.array([error for _mean, error in each]),
        )
        for name, each in costs.items()
    ]
    with st.container(border=True, key="kvviz-card-lab-budgets"):
        card_texts.head(heading, caption.text)
        chart.draw(
            loss_by_budget(BUDGETS, lines),
            _(
                "What {n} ways of keeping rows cost at {budgets} rows; the table says the same."
            ).format(n=len(lines), budgets=", ".join(map(str, BUDGETS))),
            tags=found.tags,
        )
        header = [_("kept"), *(_("{rows} rows").format(rows=rows) for rows in BUDGETS)]
        st.html(
            table(
                "budget-table",
                header,
                [
                    [_(NAMES[name]), *(amount(mean, error) for mean, error in each)]
                    for name, each in costs.items()
                ],
                [None, *(_least(costs, column) for column in range(len(BUDGETS)))],
            )
            + card_texts.source(caption.source)
        )


def amount(mean: float, error: float) -> str:
    """Return a cost with its standard error, where there is one."""
    return f"{mean:+.3f} ± {error:.3f}" if error else f"{mean:+.3f}"


def _least(costs: dict[str, list[tuple[float, float]]], column: int) -> int:
    means = [each[column][0] for each in costs.values()]
    return int(np.argmin(means))
