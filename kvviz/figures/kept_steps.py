"""How far ways of keeping rows are from the full cache, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Bool, Float64

from kvviz.figures.theme import CONTROL, KEPT, template
from kvviz.translation import gettext as _


@dataclass(frozen=True, eq=False)
class KeptSteps:
    """One way at each step.

    Attributes:
        name: What it is called.
        divergences: Kullback-Leibler divergence from the full cache at each step, in nats.
        same: Whether both name the same token as the likeliest.
    """

    name: str
    divergences: Float64[np.ndarray, " step"]
    same: Bool[np.ndarray, " step"]


def kept_steps(
    ways: Sequence[KeptSteps], step: int | None = None, *, dark: bool = False
) -> go.Figure:
    """Draw the divergence of each way over the steps; a mark is hollow where the token is another.

    Args:
        ways: The way, and its control if it has one.
        step: The step in view, marked by a line; None for none.
        dark: Whether the figure stands on a dark ground. Makes no difference inside the app.

    Returns:
        The figure, a trace a way.
    """
    figure, reading = go.Figure(), _("{value} nats").format(value="%{y:.3f}")
    for number, way in enumerate(ways):
        colour, symbol, dash = (KEPT, CONTROL)[number]
        said = [_("same token") if same else _("another token") for same in way.same]
        figure.add_scatter(
            x=np.arange(way.divergences.size),
            y=way.divergences,
            text=said,
            name=way.name,
            mode="lines+markers",
            line={"color": colour, "width": 2, "dash": dash},
            marker={
                "color": colour,
                "size": 8,
                "line": {"width": 1.5, "color": colour},
                "symbol": [symbol if same else f"{symbol}-open" for same in way.same],
            },
            hovertemplate=_("step {step}").format(step="%{x}")
            + f", {way.name}<br>{reading}, %{{text}}<extra></extra>",
        )
    n_steps = max((way.divergences.size for way in ways), default=1)
    if step is not None:
        figure.add_vline(x=step, line={"color": "#85878e", "width": 1, "dash": "dot"})
    figure.update_xaxes(title_text=_("step (0 is the prefill)"), range=[-0.5, n_steps - 0.5])
    figure.update_yaxes(title_text=_("KL from the full cache, nats"), rangemode="tozero")
    return figure.update_layout(
        template=template(dark=dark),
        height=300,
        hovermode="closest",
        meta={"figure": "kept-steps"},
    )
