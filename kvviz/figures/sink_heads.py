"""Which heads put weight on the first row of a text."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float64

from kvviz.figures.attention_map import INK
from kvviz.figures.theme import template
from kvviz.translation import gettext as _

DARKEST = 0.8
"""How much of its ground the heaviest cell covers: numbers can be read on it in either theme."""


def sink_heads(mass: Float64[np.ndarray, "layer head"], *, dark: bool = False) -> go.Figure:
    """Draw the mean weight that the queries of each head give to the first row.

    Args:
        mass: Shares, 0 to 1.
        dark: Whether the figure stands on a dark ground. Makes no difference inside the app.

    Returns:
        The figure: the cells, and where they are few their numbers in percent.
    """
    n_layers, n_heads = mass.shape
    few = n_heads <= 16 and n_layers <= 16
    figure = go.Figure(
        go.Heatmap(
            x=np.arange(n_heads),
            y=np.arange(n_layers),
            z=100 * mass,
            zmin=0,
            zmax=max(10.0, float(100 * mass.max())),
            xgap=1,
            ygap=1,
            colorscale=[[0, f"rgba({INK}, 0.05)"], [1, f"rgba({INK}, {DARKEST})"]],
            colorbar={"title": {"text": "%"}, "thickness": 12, "outlinewidth": 0},
            hovertemplate=_("layer {layer}, head {head}: {share} % on the first row").format(
                layer="%{y}", head="%{x}", share="%{z:.1f}"
            )
            + "<extra></extra>",
        )
    )
    if few:
        # Cells that bear their numbers themselves choose their colour as if all stood on white.
        layers, heads = np.divmod(np.arange(mass.size), n_heads)
        percents = [f"{share:.0f}" for share in 100 * mass.ravel()]
        figure.add_scatter(
            x=heads, y=layers, text=percents, mode="text", hoverinfo="skip", showlegend=False
        )
    axis = {"showgrid": False, "dtick": 1 if few else 4}
    figure.update_xaxes(title_text=_("head"), **axis)
    figure.update_yaxes(title_text=_("layer"), autorange="reversed", **axis)
    return figure.update_layout(
        template=template(dark=dark), height=340, meta={"figure": "sink-heads"}
    )
