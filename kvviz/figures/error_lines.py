"""Lines with error bars: ways of keeping rows, and in grey and dashed their controls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float64

STYLES = {
    "full": ("#6d6f78", "star", "solid"),
    "window": ("#1f9168", "circle", "solid"),
    "sinks": ("#0f7f96", "square", "solid"),
    "heavy": ("#bb4f8f", "diamond", "solid"),
    "least": ("#8a6d3b", "triangle-up", "solid"),
    "lot": ("#85878e", "circle-open", "dash"),
    "lot-sinks": ("#85878e", "square-open", "dash"),
    "latent": ("#0f7f96", "square", "solid"),
    "apart": ("#85878e", "square-open", "dash"),
    "lot-alone": ("#85878e", "triangle-up-open", "dot"),
}
"""Colour, mark and dash by what a line is; a control has the mark of what it controls, hollow."""


@dataclass(frozen=True, eq=False)
class ErrorLine:
    """A line.

    Attributes:
        kind: A key of `STYLES`.
        name: What the legend says.
        values: Its heights.
        errors: Standard error of each; no bar where it is 0.
    """

    kind: str
    name: str
    values: Float64[np.ndarray, " place"]
    errors: Float64[np.ndarray, " place"]


def add_lines(
    figure: go.Figure,
    places: Sequence[float] | Sequence[str],
    lines: Sequence[ErrorLine],
    reading: str,
) -> None:
    """Add lines to a figure.

    Args:
        figure: The figure.
        places: Where on the x axis their points stand: numbers, or words in their order.
        lines: The lines.
        reading: What is read at a mark behind the line's name, as plotly fills it in.
    """
    for line in lines:
        colour, symbol, dash = STYLES[line.kind]
        figure.add_scatter(
            x=np.asarray(places),
            y=line.values,
            name=line.name,
            mode="lines+markers",
            line={"color": colour, "width": 2, "dash": dash},
            marker={"color": colour, "size": 9, "symbol": symbol, "line": {"width": 1.5}},
            error_y={
                "type": "data",
                "array": line.errors,
                "visible": bool(line.errors.any()),
                "thickness": 1,
                "width": 3,
            },
            hovertemplate=f"{line.name}<br>{reading}<extra></extra>",
        )
