"""What ways of keeping rows cost, over the rows that a query may read."""

from __future__ import annotations

import math
from collections.abc import Sequence

import plotly.graph_objects as go

from kvviz.figures.error_lines import ErrorLine, add_lines
from kvviz.figures.theme import template
from kvviz.translation import gettext as _


def loss_by_budget(
    budgets: Sequence[int], lines: Sequence[ErrorLine], *, dark: bool = False
) -> go.Figure:
    """Draw the loss of each way beside that with every row, over the budget.

    Args:
        budgets: Rows that a query may read in each head.
        lines: The ways and their controls; heights are nats a token more than with every row.
        dark: Whether the figure stands on a dark ground. Makes no difference inside the app.

    Returns:
        The figure, a trace a line. Each budget is twice the one before, so the axis is of powers.
    """
    figure = go.Figure()
    rows = _("{rows} rows").format(rows="%{x}")
    add_lines(figure, budgets, lines, rows + ": " + _("{value} nats").format(value="%{y:+.3f}"))
    ends = [math.log10(budgets[0] / 1.3), math.log10(budgets[-1] * 1.3)]
    figure.update_xaxes(
        type="log",
        range=ends,
        tickvals=list(budgets),
        ticktext=[f"{one}" for one in budgets],
        title_text=_("rows that a query may read, a head"),
    )
    figure.update_yaxes(
        title_text=_("loss more than with every row, nats a token"), rangemode="tozero"
    )
    return figure.update_layout(
        template=template(dark=dark),
        height=420,
        hovermode="closest",
        meta={"figure": "loss-by-budget"},
    )
