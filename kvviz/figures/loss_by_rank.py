"""What fewer numbers of a row cost, over how many are kept."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from kvviz.figures.error_lines import ErrorLine, add_lines
from kvviz.figures.theme import template
from kvviz.translation import gettext as _


def loss_by_rank(
    ranks: Sequence[int], lines: Sequence[ErrorLine], *, dark: bool = False
) -> go.Figure:
    """Draw the loss of each way beside that with every number, over the numbers kept.

    Args:
        ranks: Numbers kept of a position's keys and values together, in a layer.
        lines: One latent row and its control; heights are nats a token more than with every number.
        dark: Whether the figure stands on a dark ground. Makes no difference inside the app.

    Returns:
        The figure, a trace a line.
    """
    figure = go.Figure()
    numbers = _("{n} numbers").format(n="%{x}")
    add_lines(figure, ranks, lines, numbers + ": " + _("{value} nats").format(value="%{y:+.3f}"))
    figure.update_xaxes(
        tickvals=list(ranks), title_text=_("numbers kept of a position, keys and values together")
    )
    figure.update_yaxes(
        title_text=_("loss more than with every number, nats a token"), rangemode="tozero"
    )
    return figure.update_layout(
        template=template(dark=dark),
        height=340,
        hovermode="closest",
        meta={"figure": "loss-by-rank"},
    )
