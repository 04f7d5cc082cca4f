"""In which of their parts models have their parameters."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go

from kvviz.analysis.parameters import ParameterCount
from kvviz.figures.share_bars import add_share, share_axes
from kvviz.figures.theme import template
from kvviz.translation import N_
from kvviz.translation import gettext as _

_PART_COLOURS = {
    N_("embeddings"): "#2f8f83",
    N_("attention"): "#8a6be0",
    N_("MLP"): "#a9abb2",
    N_("norms and rest"): "#6d6f76",
}


def parameter_parts(counts: Mapping[str, ParameterCount], *, dark: bool = False) -> go.Figure:
    """Draw in which parts models have their parameters, a bar a model, each as long as the other.

    Args:
        counts: Name of each model to its count; the first is drawn on top.
        dark: Whether the figure stands on a dark ground. Makes no difference inside the app.

    Returns:
        The figure, with one trace a part.
    """
    names = list(counts)
    figure = go.Figure()
    for part, colour in _PART_COLOURS.items():
        numbers = np.array([count.parts[part] for count in counts.values()], dtype=np.float64)
        shares = numbers / np.array([count.total for count in counts.values()])
        add_share(
            figure,
            _(part),
            names,
            shares.tolist(),
            colour=colour,
            on_dark=part in ("embeddings", "attention"),
            least=0.04,
            customdata=numbers,
            hovertemplate=f"%{{y}}<br>{_(part)}: %{{customdata:,.0f}} "
            "(%{x:.1f} %)<extra></extra>",
        )
    share_axes(figure, _("share of the parameters, %"))
    return figure.update_layout(
        template=template(dark=dark),
        legend={"traceorder": "normal"},
        height=90 + 62 * len(names),
        meta={"figure": "parameter-parts"},
    )
