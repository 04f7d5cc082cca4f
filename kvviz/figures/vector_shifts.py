"""How far a token's vector is apart in two texts, layer by layer, in two models."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float64

from kvviz.figures.theme import MODELS, template
from kvviz.translation import gettext as _


def vector_shifts(
    shifts: Mapping[str, Float64[np.ndarray, " layer"]], *, dark: bool = False
) -> go.Figure:
    """Draw cosine distances over the layers.

    Args:
        shifts: Distances by the name of the model, at most two; the first is of the embeddings.
        dark: Whether the figure stands on a dark ground. Makes no difference inside the app.

    Returns:
        The figure, a trace a model.
    """
    figure = go.Figure()
    for number, (model, distances) in enumerate(shifts.items()):
        colour, symbol = MODELS[number]
        figure.add_trace(
            go.Scatter(
                x=np.arange(distances.size),
                y=distances,
                mode="lines+markers",
                name=model,
                line={"color": colour, "width": 2, "dash": "solid" if number == 0 else "dot"},
                marker={"symbol": symbol, "size": 8, "line": {"width": 1.5}},
                hovertemplate=_("{model}, layer {layer}").format(model=model, layer="%{x}")
                + "<br>%{y:.4f}<extra></extra>",
            )
        )
    largest = max((float(one.max()) for one in shifts.values() if one.size), default=0.0)
    figure.update_yaxes(
        title_text=_("cosine distance"), range=[-0.04 * max(largest, 0.1), 1.1 * max(largest, 0.1)]
    )
    figure.update_xaxes(title_text=_("layer (0 is the embedding, before any attention)"), dtick=1)
    return figure.update_layout(
        template=template(dark=dark),
        height=280,
        hovermode="closest",
        meta={"figure": "vector-shifts"},
    )
