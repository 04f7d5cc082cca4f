"""Bars of equal length, each cut into shares of one whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

ON_DARK, ON_LIGHT = "#ffffff", "#16171a"
"""Letters inside a bar of a dark or a light colour."""


def add_share(
    figure: go.Figure,
    part: str,
    names: Sequence[str],
    shares: Sequence[float],
    *,
    colour: str,
    on_dark: bool,
    least: float,
    **more: Any,
) -> None:
    """Add one part to every bar.

    Args:
        figure: The figure.
        part: What the part is called.
        names: The bars.
        shares: How much of each the part is, 0 to 1.
        colour: Of the part.
        on_dark: Whether light letters are easier to read on it.
        least: Share from which on its figure has room inside; a narrower one leaves it to the
            hover text.
        more: What else plotly is told of the bar.
    """
    figure.add_bar(
        y=list(names),
        x=[100 * share for share in shares],
        orientation="h",
        name=part,
        marker={"color": colour},
        text=[f"{share:.0%}" if share > least else "" for share in shares],
        textposition="inside",
        insidetextanchor="middle",
        insidetextfont={"color": ON_DARK if on_dark else ON_LIGHT},
        **more,
    )


def share_axes(figure: go.Figure, title: str) -> None:
    """Stack the parts from 0 to 100 percent, the first bar at the top."""
    figure.update_yaxes(autorange="reversed", title_text="")
    figure.update_xaxes(title_text=title, range=[0, 100], tickvals=[0, 25, 50, 75, 100])
    figure.update_layout(barmode="stack", bargap=0.35)
