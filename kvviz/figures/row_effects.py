"""What a change of each row of a head does to the next token, over the weight that it had."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Bool, Float64

from kvviz.figures.theme import CONTROL, KEPT, template
from kvviz.translation import gettext as _

FLOOR = 1e-12
"""Smaller divergences and weights are drawn here: nothing has no place on a logarithmic axis."""


@dataclass(frozen=True, eq=False)
class RowPoints:
    """The rows of a head.

    Attributes:
        names: What each is called.
        weights: Weight of the last query on each, in [0, 1].
        effects: Divergence of the next token's distribution once it is changed, in nats.
        same: Whether the likeliest token stays the same.
        chosen: The row in view.
    """

    names: Sequence[str]
    weights: Float64[np.ndarray, " row"]
    effects: Float64[np.ndarray, " row"]
    same: Bool[np.ndarray, " row"]
    chosen: int


def row_effects(rows: RowPoints, *, dark: bool = False) -> go.Figure:
    """Draw a mark for each row, and a line at the mean of all: what a row drawn by lot would do.

    Args:
        rows: The rows.
        dark: Whether the figure stands on a dark ground. Makes no difference inside the app.

    Returns:
        The figure: the rows, and the line.
    """
    weights, effects = (np.maximum(one, FLOOR) for one in (rows.weights, rows.effects))
    named = {rows.chosen, int(rows.weights.argmax()), int(rows.effects.argmax())}
    said = [_("same token") if same else _("another token") for same in rows.same]
    colour, symbol, _dash = KEPT
    most, middle = int(rows.effects.argmax()), float(np.median(weights))
    # not for people: places as plotly names them
    above, left, right = "top center", "bottom left", "bottom right"
    # Below its mark and towards the middle, where neither another name nor the edge is.
    places = [
        above if row == most else left if weight > middle else right
        for row, weight in enumerate(weights)
    ]
    figure = go.Figure()
    figure.add_scatter(
        x=weights,
        y=effects,
        name=_("a row of the head, changed"),
        mode="markers+text",
        text=[name if row in named else "" for row, name in enumerate(rows.names)],
        textposition=places,
        customdata=[f"{name}<br>{one}" for name, one in zip(rows.names, said, strict=True)],
        marker={
            "color": colour,
            "size": [13 if row == rows.chosen else 8 for row in range(len(weights))],
            "symbol": [symbol if same else f"{symbol}-open" for same in rows.same],
            "line": {"width": 1.5, "color": colour},
        },
        cliponaxis=False,
        hovertemplate="%{customdata}<br>"
        + _("weight {weight}, {effect} nats").format(weight="%{x:.2~%}", effect="%{y:.2g}")
        + "<extra></extra>",
    )
    mean = max(float(rows.effects.mean()), FLOOR)
    # A little beyond the marks on both sides, in powers of ten.
    first = float(np.log10(weights.min())) - 0.15
    ends = np.array([first, max(float(np.log10(weights.max())), first + 0.5) + 0.2])
    figure.add_scatter(
        x=10.0**ends,
        y=[mean, mean],
        name=_("control: a row drawn by lot, on average"),
        mode="lines",
        line={"color": CONTROL[0], "width": 2, "dash": CONTROL[2]},
        hovertemplate=_("{effect} nats").format(effect="%{y:.2g}") + "<extra></extra>",
    )
    decades = float(np.ptp(np.log10(effects)))
    figure.update_xaxes(
        type="log",
        range=ends.tolist(),
        title_text=_("weight of the last query on the row"),
        exponentformat="power",
        dtick=1 if np.ptp(ends) < 5 else 2,
    )
    figure.update_yaxes(
        type="log",
        title_text=_("KL of the next token, nats"),
        exponentformat="power",
        # Where there are few powers of ten, twice and five times of each are named too.
        dtick="D2" if decades < 2.5 else 1 if decades < 8 else 2,
    )
    return figure.update_layout(
        template=template(dark=dark),
        height=420,
        hovermode="closest",
        meta={"figure": "row-effects"},
    )
