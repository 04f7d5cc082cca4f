"""A figure on a card: one way to place it, and the hook it is found by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st
from plotly.graph_objects import Figure

from kvviz.ui.parts.figure_tag import Tag, figure_tag
from kvviz.ui.shell.plain_text import plain_html

_CLEAR = "rgba(0,0,0,0)"


def on_card(figure: Figure, height: int | None = None) -> Figure:
    """Take a figure's own ground away, and return it. One that has none is left as it is.

    Args:
        figure: The figure.
        height: In pixels, where it is to be another one.
    """
    layout: Any = figure.layout
    if layout.paper_bgcolor != _CLEAR:
        # One by one: `update_layout` looks through the whole layout, and takes ten times as long.
        layout.paper_bgcolor = layout.plot_bgcolor = _CLEAR
    if height is not None:
        layout.height = height
    return figure


def draw(figure: Figure, alt: str, *, tags: Sequence[Tag]) -> None:
    """Draw a figure on the ground of the card that it lies on.

    Before it stand its tags and an element without a size that carries
    ``data-kvviz="chart-<name>"``, with the number of traces and of points that were drawn; the name
    is the one in the figure's `meta`, and no two charts of a page have the same. All lie in a
    container of their own, whose class is ``st-key-kvviz-chart-<name>``.

    Args:
        figure: What to draw; a template leaves its ground to the card.
        alt: What it shows, for those who do not see it.
        tags: Where its numbers come from, one at least; said above it.

    Raises:
        ValueError: If it says nothing of where they come from.
    """
    layout: Any = figure.layout
    traces: Any = figure.data
    name = str(layout.meta["figure"])
    points = sum(0 if trace.x is None else len(trace.x) for trace in traces)
    on_card(figure)
    with st.container(key=f"kvviz-chart-{name}", gap=None):
        st.html(
            f'<span data-kvviz="chart-{plain_html(name)}" data-n-traces="{len(traces)}" '
            f'data-n-points="{points}"></span>'
            f"{figure_tag(*tags)}"
        )
        st.plotly_chart(
            figure,
            width="stretch",
            key=f"kvviz-plot-{name}",
            config={"displayModeBar": False},
            alt=alt,
        )
