"""Where the heads of two models look: ahead, how spread, how far, a dot a head."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float64

from kvviz.analysis import HeadMeasures
from kvviz.figures.theme import MODELS, template
from kvviz.translation import N_
from kvviz.translation import gettext as _

Measure = Literal["forward", "entropy", "distance"]


@dataclass(frozen=True)
class MeasureWords:
    """How a measure is drawn and named.

    Attributes:
        title: What stands at its axis, with the unit. English, translated where it is shown.
        scale: What the measure is multiplied by to be in that unit.
        form: How a value is written, as a format of d3.
        reading: A value with its unit, ``{value}`` to be filled in. English likewise.
    """

    title: str
    scale: float
    form: str
    reading: str

    def values(self, found: HeadMeasures, measure: Measure) -> Float64[np.ndarray, "layer head"]:
        """Return the measure of every head, in the unit that is drawn."""
        return np.asarray(getattr(found, measure) * self.scale, dtype=np.float64)


MEASURES: dict[Measure, MeasureWords] = {
    "forward": MeasureWords(N_("looks ahead, %"), 100.0, ".1f", N_("{value} %")),
    "entropy": MeasureWords(N_("spread, bits"), 1.0, ".2f", N_("{value} bits")),
    "distance": MeasureWords(N_("reach, tokens"), 1.0, ".1f", N_("{value} tokens")),
}
_HALF_WIDTH = 0.32
"""Of the band in which the heads of a layer stand side by side."""


def head_comparison(
    measures: Mapping[str, HeadMeasures], measure: Measure, *, dark: bool = False
) -> go.Figure:
    """Draw one measure of every head over the layers, two models in one picture.

    Args:
        measures: What was measured, by the name of the model; at most two.
        measure: Which of the three is drawn.
        dark: Whether the figure stands on a dark ground. Makes no difference inside the app.

    Returns:
        The figure, a trace a model in the order given. It has no legend: the three figures share
        one that stands beside them, with the colours and marks of `theme.MODELS`.
    """
    words = MEASURES[measure]
    figure = go.Figure()
    for number, (model, found) in enumerate(measures.items()):
        values = words.values(found, measure)
        n_heads = values.shape[1]
        layers, heads = np.divmod(np.arange(values.size), n_heads)
        aside = (heads + 0.5) / n_heads * 2 * _HALF_WIDTH - _HALF_WIDTH
        colour, symbol = MODELS[number]
        figure.add_scatter(
            x=layers + aside,
            y=values.reshape(-1),
            customdata=np.stack([layers, heads], axis=1),
            mode="markers",
            cliponaxis=False,  # a dot at 0 is whole, as the others are
            name=model,
            marker={"color": colour, "symbol": symbol, "size": 7, "line": {"width": 1.5}},
            hovertemplate=_("{model}, layer {layer} head {head}").format(
                model=model, layer="%{customdata[0]}", head="%{customdata[1]}"
            )
            + f"<br>{_(words.reading).format(value=f'%{{y:{words.form}}}')}<extra></extra>",
        )
    figure.update_yaxes(title_text=_(words.title), rangemode="tozero")
    figure.update_xaxes(title_text=_("layer"), dtick=_tick(measures))
    return figure.update_layout(
        template=template(dark=dark),
        height=250,
        hovermode="closest",
        showlegend=False,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        meta={"figure": f"head-comparison-{measure}"},
    )


def _tick(measures: Mapping[str, HeadMeasures]) -> int:
    """Return the distance of labels at which they do not run into one another."""
    most = max((found.forward.shape[0] for found in measures.values()), default=1)
    return 1 if most <= 12 else 4
