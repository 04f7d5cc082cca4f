"""The look that all figures share: paper-like ground, quiet lines, one meaning a colour.

Inside Streamlit the page's own theme replaces ground and fonts; the colours of the lines are
written into each figure, and are chosen to be told apart on a light and on a dark ground.
"""

from __future__ import annotations

from functools import cache
from typing import Any

# plotly asks whether pandas is loaded, and takes one that another thread is still loading for the
# whole: so it is loaded before any figure is made.
import pandas  # noqa: F401
import plotly.graph_objects as go

COMPUTED = "#d9660f"
"""Rows computed at a step, and nothing else."""
REUSED = "#2f63c8"
"""Rows reused from the cache, and nothing else."""
WITH_CACHE = "#1f9168"
WITHOUT_CACHE = "#85878e"
MODELS = (("#17918a", "circle"), ("#bb4f8f", "diamond-open"))
"""Colour and mark of the first and the second of two models: filled against hollow."""
KEPT = ("#1f9168", "circle", "solid")
"""Colour, mark and dash of a way of keeping rows."""
CONTROL = ("#a05fb4", "diamond", "dash")
"""Likewise of its control, in which rows are drawn by lot."""

# not for people: a list of fonts
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"

_GROUNDS = {
    "light": {"paper": "#fbfaf7", "text": "#1d1d20", "line": "#e2dfd7", "hover": "#ffffff"},
    "dark": {"paper": "#16171a", "text": "#ece9e2", "line": "#34373e", "hover": "#202227"},
}


@cache
def template(*, dark: bool = False) -> go.layout.Template:
    """Return the theme for figures shown outside the app, light or dark.

    It is the same object each time, which each figure that is given it copies.
    """
    ground = _GROUNDS["dark" if dark else "light"]
    axis: dict[str, Any] = {
        "gridcolor": ground["line"],
        "linecolor": ground["line"],
        "zeroline": False,
        "automargin": True,
        "title": {"font": {"size": 12}, "standoff": 8},
    }
    return go.layout.Template(
        layout={
            "paper_bgcolor": ground["paper"],
            "plot_bgcolor": ground["paper"],
            "font": {"family": FONT, "size": 13, "color": ground["text"]},
            "hoverlabel": {
                "bgcolor": ground["hover"],
                "bordercolor": ground["line"],
                "font": {"family": FONT, "color": ground["text"]},
            },
            "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
            "margin": {"l": 8, "r": 8, "t": 36, "b": 8},
            "modebar": {
                "remove": ["zoom", "pan", "select", "lasso", "autoscale", "zoomin", "zoomout"]
            },
            "xaxis": axis,
            "yaxis": axis,
        }
    )
