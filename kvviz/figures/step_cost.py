"""What each step took: time as measured, rows and FLOPs as counted, with and without the cache."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from kvviz.analysis import StepCosts, step_costs
from kvviz.figures.theme import WITH_CACHE, WITHOUT_CACHE, template
from kvviz.trace import CacheComparison, GenerationTrace, Step
from kvviz.translation import N_, ngettext
from kvviz.translation import gettext as _

_GAP = 0.06
"""Between two of the charts, as a share of the figure's height."""
MOST_MARKED_STEPS = 64
"""Steps up to which each has its own mark; more marks would run into one another."""


@dataclass(frozen=True)
class _Panel:
    """One chart of the figure: a quantity, its unit, and where its numbers come from.

    The title is in English, to be translated where it is shown. `reading` is what plotly writes of
    a step: where a noun follows its number, the text that stands at the mark.
    """

    axis_title: str
    unit: str
    of_step: Callable[[Step], float]
    by_formula: Callable[[StepCosts], np.ndarray] | None
    reading: str


_PANELS = (
    _Panel(N_("time, ms (measured)"), "ms", lambda step: step.seconds * 1e3, None, "%{y:.2f} ms"),
    _Panel(
        N_("K/V rows computed"),
        "rows",
        lambda step: step.computed.size,
        lambda costs: costs.rows,
        "%{text}",
    ),
    _Panel(
        N_("MFLOP (counted)"),
        "MFLOP",
        lambda step: step.flops / 1e6,
        lambda costs: costs.flops / 1e6,
        "%{y:,.2f} MFLOP",
    ),
)


def step_cost(trace: GenerationTrace | CacheComparison, *, dark: bool = False) -> go.Figure:
    """Draw what each step took.

    Three charts over the steps, one above the other: measured milliseconds, K/V rows computed, and
    counted MFLOP. Of a single run the other side is drawn by formula where there is one, named so
    in the legend and in the hover text; its time is left out, since nobody measured it.

    Args:
        trace: A run, or the run with and without the cache.
        dark: Whether the figure stands on a dark ground. Makes no difference inside the app.

    Returns:
        The figure, its traces in the order of the charts: with the cache before without.
    """
    runs = (
        {True: trace.cached, False: trace.uncached}
        if isinstance(trace, CacheComparison)
        else {trace.options.use_cache: trace}
    )
    first = next(iter(runs.values()))
    lines = []
    for row, panel in enumerate(_PANELS, start=1):
        for use_cache in (True, False):
            run = runs.get(use_cache)
            if run is not None:
                numbers = np.array([panel.of_step(step) for step in run.steps])
            elif panel.by_formula is not None:
                numbers = panel.by_formula(
                    step_costs(first.model, first.n_prompt, len(first.steps), use_cache=use_cache)
                )
            else:
                continue
            line = _line(numbers, panel, use_cache=use_cache, by_formula=run is None)
            # The chart of rows has both sides in every case, so it speaks for all in the legend.
            line.update(
                showlegend=panel.unit == "rows", xaxis=_axis("x", row), yaxis=_axis("y", row)
            )
            lines.append(line)
    layout = {
        **_axes(len(first.steps)),
        "template": template(dark=dark),
        "height": 480,
        "hovermode": "closest",
        "meta": {"figure": "step-cost"},
    }
    # Unchecked, as plotly makes its own templates: each visitor with a run has this figure made,
    # and to check each of its properties took 11 of 13 ms. A test has plotly check them.
    return go.Figure(lines, layout, _validate=False)


def _axis(name: str, row: int) -> str:
    return name if row == 1 else f"{name}{row}"


def _axes(n_steps: int) -> dict[str, Any]:
    """Return the axes of the charts, one above the other, all over the same steps."""
    last, height = len(_PANELS), (1 - _GAP * (len(_PANELS) - 1)) / len(_PANELS)
    axes: dict[str, Any] = {}
    for row, panel in enumerate(_PANELS, start=1):
        bottom = (last - row) * (height + _GAP)
        axes[_axis("xaxis", row)] = {"anchor": _axis("y", row), "range": [-0.5, n_steps - 0.5]} | (
            {"title": {"text": _("step (0 is the prefill)")}}
            if row == last
            else {"matches": f"x{last}", "showticklabels": False}
        )
        axes[_axis("yaxis", row)] = {
            "anchor": _axis("x", row),
            "domain": [bottom, bottom + height],
            "title": {"text": _(panel.axis_title)},
            "rangemode": "tozero",
        }
    return axes


def _line(
    numbers: np.ndarray, panel: _Panel, *, use_cache: bool, by_formula: bool
) -> dict[str, Any]:
    side = _side(use_cache=use_cache, by_formula=by_formula)
    colour = WITH_CACHE if use_cache else WITHOUT_CACHE
    return {
        "type": "scatter",
        "x": np.arange(numbers.size),
        "y": numbers,
        "name": side,
        **({"text": _rows(numbers)} if panel.unit == "rows" else {}),
        "legendgroup": "on" if use_cache else "off",
        "mode": "lines+markers" if numbers.size <= MOST_MARKED_STEPS else "lines",
        "line": {"color": colour, "width": 2, "dash": "dot" if by_formula else "solid"},
        # Filled against hollow, round against square: told apart without colour.
        "marker": {
            "color": colour,
            "size": 7,
            "symbol": "circle" if use_cache else "square-open",
        },
        "hovertemplate": _("step {step}").format(step="%{x}")
        + f", {side}<br>{panel.reading}<extra></extra>",
    }


def _side(*, use_cache: bool, by_formula: bool) -> str:
    if by_formula:
        return _("with the cache, by formula") if use_cache else _("without, by formula")
    # Translators: "without" is short for "without the cache", beside "with the cache".
    return _("with the cache") if use_cache else _("without")


def _rows(counts: np.ndarray) -> list[str]:
    return [ngettext("{n:,} row", "{n:,} rows", n).format(n=n) for n in map(int, counts)]
