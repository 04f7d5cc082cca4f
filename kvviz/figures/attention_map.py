"""One head's attention over a text: who looks at whom."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float

from kvviz.figures.theme import template
from kvviz.translation import gettext as _

INK = "112, 92, 214"
"""Red, green and blue of full attention. Less lets more of the ground through, light or dark."""
NAMED_UP_TO = 48
"""More tokens than this leave no room for their names."""
NO_WIDTH = "\u200b"
"""Put behind a name as often as it takes to make it one of its own on the axis."""


def attention_map(
    pattern: Float[np.ndarray, "query key"], tokens: Sequence[str], *, dark: bool = False
) -> go.Figure:
    """Draw a pattern as a map, rows looking at columns.

    Args:
        pattern: Softmaxed weights of a text over itself, 0 to 1, shape (tokens, tokens); masked
            cells are NaN and stay empty.
        tokens: The text's tokens, to name rows and columns; plotly leaves names out where they
            would touch.
        dark: Whether the figure stands on a dark ground. Makes no difference inside the app.

    Returns:
        The figure, one trace.
    """
    n_tokens = len(tokens)
    named = n_tokens <= NAMED_UP_TO
    places = [token + NO_WIDTH * number for number, token in enumerate(tokens)]
    if not named:
        places = [f"{number}" for number in range(n_tokens)]
    figure = go.Figure(
        go.Heatmap(
            x=places,
            y=places,
            z=np.asarray(pattern, dtype=np.float32),
            zmin=0,
            zmax=1,
            xgap=1 if named else 0,
            ygap=1 if named else 0,
            colorscale=[[0, f"rgba({INK}, 0.05)"], [1, f"rgba({INK}, 1)"]],
            showscale=False,
            hovertemplate=_looks(named=named) + "<extra></extra>",
        )
    )
    axis = {"type": "category", "showgrid": False, "tickfont": {"size": 11}, "ticks": ""}
    figure.update_xaxes(side="top", tickangle=-55, **axis)
    figure.update_yaxes(autorange="reversed", **axis)
    return figure.update_layout(
        template=template(dark=dark),
        height=int(np.clip(110 + 15 * n_tokens, 300, 640)),
        margin={"t": 84},
        meta={"figure": "attention-map"},
    )


def _looks(*, named: bool) -> str:
    """Return what is read on a cell, with what plotly fills in."""
    sentence = (
        _("“{query}” looks at “{key}”: {weight}")
        if named
        # Translators: {query} and {key} are numbers of tokens.
        else _("token {query} looks at token {key}: {weight}")
    )
    return sentence.format(query="%{y}", key="%{x}", weight="%{z:.1%}")
