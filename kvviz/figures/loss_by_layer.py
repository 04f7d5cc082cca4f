"""What it costs to keep few rows in some layers, and every row in all others."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from kvviz.figures.error_lines import ErrorLine, add_lines
from kvviz.figures.theme import template
from kvviz.translation import gettext as _


def loss_by_layer(
    layers: Sequence[str], lines: Sequence[ErrorLine], *, dark: bool = False
) -> go.Figure:
    """Draw the loss of each rule beside that with every row, over the layers that keep few.

    Args:
        layers: Which layers, such as ``0`` or ``6–11``.
        lines: The rules; heights are nats a token more than with every row in every layer.
        dark: Whether the figure stands on a dark ground. Makes no difference inside the app.

    Returns:
        The figure, a trace a line.
    """
    figure = go.Figure()
    reading = _("layers {layers}: {value} nats").format(layers="%{x}", value="%{y:+.3f}")
    # Places stand as words: a stretch of layers is no number.
    add_lines(figure, layers, lines, reading)
    figure.update_xaxes(type="category", title_text=_("layers that keep few rows"))
    figure.update_yaxes(
        title_text=_("loss more than with every row, nats a token"), rangemode="tozero"
    )
    return figure.update_layout(
        template=template(dark=dark),
        height=340,
        hovermode="closest",
        meta={"figure": "loss-by-layer"},
    )
