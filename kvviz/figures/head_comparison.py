"""Where the heads of two models look: ahead, how spread, how far, a dot a head."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from kvviz.analysis import HeadMeasures
from kvviz.figures.theme import MODELS, template

_PANELS = (
    ("forward", "looks ahead, %", 100.0, ".1f", " %"),
    ("entropy", "spread, bits", 1.0, ".2f", " bits"),
    ("distance", "reach, tokens", 1.0, ".1f", " tokens"),
)
_HALF_WIDTH = 0.32
"""Of the band in which the heads of a layer stand side by side."""


def head_comparison(measures: Mapping[str, HeadMeasures], *, dark: bool = False) -> go.Figure:
    """Draw three measures of every head over the layers, two models in one picture.

    Args:
        measures: What was measured, by the name of the model; at most two.
        dark: Whether the figure stands on a dark ground. Makes no difference inside the app.

    Returns:
        The figure, its traces panel by panel, models in the order given.
    """
    figure = make_subplots(rows=1, cols=len(_PANELS), horizontal_spacing=0.07)
    for column, (name, title, scale, form, unit) in enumerate(_PANELS, start=1):
        for number, (model, found) in enumerate(measures.items()):
            values: np.ndarray = getattr(found, name) * scale
            n_heads = values.shape[1]
            layers, heads = np.divmod(np.arange(values.size), n_heads)
            aside = (heads + 0.5) / n_heads * 2 * _HALF_WIDTH - _HALF_WIDTH
            colour, symbol = MODELS[number]
            figure.add_trace(
                go.Scatter(
                    x=layers + aside,
                    y=values.reshape(-1),
                    customdata=np.stack([layers, heads], axis=1),
                    mode="markers",
                    name=model,
                    legendgroup=model,
                    showlegend=column == 1,
                    marker={"color": colour, "symbol": symbol, "size": 7, "line": {"width": 1.5}},
                    hovertemplate=f"{model}, layer %{{customdata[0]}} head %{{customdata[1]}}<br>"
                    f"%{{y:{form}}}{unit}<extra></extra>",
                ),
                row=1,
                col=column,
            )
        figure.update_yaxes(title_text=title, rangemode="tozero", row=1, col=column)
        figure.update_xaxes(title_text="layer", dtick=_tick(measures), row=1, col=column)
    return figure.update_layout(
        template=template(dark=dark),
        height=280,
        hovermode="closest",
        meta={"figure": "head-comparison"},
    )


def _tick(measures: Mapping[str, HeadMeasures]) -> int:
    """Return the distance of labels at which they do not run into one another."""
    most = max((found.forward.shape[0] for found in measures.values()), default=1)
    return 1 if most <= 12 else 4
