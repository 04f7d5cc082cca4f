"""What a first telling is worth to the second, over the distance between them."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from kvviz.figures.error_lines import ErrorLine, add_lines
from kvviz.figures.theme import template
from kvviz.translation import gettext as _


def needle_gain(
    distances: Sequence[int], lines: Sequence[ErrorLine], *, dark: bool = False
) -> go.Figure:
    """Draw how much less a span costs when it is said again.

    Args:
        distances: Tokens between both tellings.
        lines: Every row kept, and the ways; heights are nats a token, loss of the first telling
            less that of the second.
        dark: Whether the figure stands on a dark ground. Makes no difference inside the app.

    Returns:
        The figure, a trace a line.
    """
    figure = go.Figure()
    between = _("{n} tokens between").format(n="%{x}")
    reading = between + ": " + _("{value} nats").format(value="%{y:+.2f}")
    add_lines(figure, distances, lines, reading)
    figure.add_hline(y=0, line={"color": "#85878e", "width": 1})
    figure.update_xaxes(
        tickvals=list(distances),
        title_text=_("tokens between the two tellings"),
        rangemode="tozero",
    )
    figure.update_yaxes(title_text=_("gain of the second telling, nats a token"))
    return figure.update_layout(
        template=template(dark=dark),
        height=420,
        hovermode="closest",
        meta={"figure": "needle-gain"},
    )
