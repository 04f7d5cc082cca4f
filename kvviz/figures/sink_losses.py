"""What a window costs by the number of sinks that it keeps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float64

from kvviz.figures.share_bars import ON_DARK
from kvviz.figures.theme import KEPT, template
from kvviz.translation import gettext as _


def sink_losses(
    sinks: Sequence[int],
    costs: Float64[np.ndarray, " sinks"],
    errors: Float64[np.ndarray, " sinks"],
    *,
    dark: bool = False,
) -> go.Figure:
    """Draw a bar for each number of sinks.

    Args:
        sinks: First rows that are kept for good, of equally many rows in all.
        costs: Loss more than with every row, in nats a token.
        errors: Standard error of each; no mark where it is 0.
        dark: Whether the figure stands on a dark ground. Makes no difference inside the app.

    Returns:
        The figure, one trace.
    """
    figure = go.Figure(
        go.Bar(
            x=[f"{one}" for one in sinks],
            y=costs,
            marker={"color": KEPT[0]},
            text=[f"{one:+.2f}" for one in costs],
            textposition="inside",
            insidetextanchor="start",
            insidetextfont={"color": ON_DARK},
            error_y={
                "type": "data",
                "array": errors,
                "visible": bool(errors.any()),
                "thickness": 1,
                "width": 4,
            },
            hovertemplate=_("{sinks} sinks: {value} nats").format(sinks="%{x}", value="%{y:+.3f}")
            + "<extra></extra>",
        )
    )
    figure.update_xaxes(type="category", title_text=_("sinks among the rows"))
    figure.update_yaxes(
        title_text=_("loss more than with every row, nats a token"), rangemode="tozero"
    )
    return figure.update_layout(
        template=template(dark=dark),
        height=340,
        showlegend=False,
        meta={"figure": "sink-losses"},
    )
