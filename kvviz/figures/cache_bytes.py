"""Bytes of a cache against its tokens: by formula in three widths, and as measured."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from kvviz.analysis.cache_widths import cache_widths
from kvviz.analysis.memory import weight_bytes
from kvviz.figures.log_axes import bytes_against_tokens
from kvviz.figures.theme import WITH_CACHE, WITHOUT_CACHE, template
from kvviz.trace.race import Race

_DASHES = {"fp32": "solid", "fp16": "dash", "int8": "dot"}


def cache_bytes_curve(race: Race, *, dark: bool = False) -> go.Figure:
    """Draw the cache of a race beside its weights.

    Args:
        race: Which model, how many sequences, and the bytes that its tensors held.
        dark: Whether the figure stands on a dark ground. Makes no difference inside the app.

    Returns:
        The figure: a line a width, the measured bytes as marks, the weights as a line.
    """
    card, batch = race.model, race.batch
    widths = cache_widths(card, batch=batch)
    longest = max(card.n_ctx, *(one.break_even for one in widths)) * 1.3
    lengths = np.array([1.0, longest])
    figure = go.Figure()
    for one in widths:
        figure.add_scatter(
            x=lengths, y=lengths * one.bytes_per_token * batch, name=f"{one.name}, by formula",
            mode="lines", line={"color": WITH_CACHE, "width": 2, "dash": _DASHES[one.name]},
            hovertemplate=f"%{{x:,.0f}} tokens<br>%{{y:.4s}}B in {one.name}, by formula"
            "<extra></extra>",
        )  # fmt: skip
    shown = np.unique(np.geomspace(1, race.n_new, 8).round().astype(int)) - 1
    figure.add_scatter(
        x=race.n_prompt + shown, y=race.cache_bytes[shown], name="the real tensors",
        mode="markers",
        marker={"color": WITH_CACHE, "size": 9, "line": {"width": 1, "color": "#ffffff"}},
        hovertemplate=f"%{{x:,d}} tokens<br>%{{y:.4s}}B in the tensors, {card.dtype}"
        "<extra></extra>",
    )  # fmt: skip
    weights = weight_bytes(card)
    figure.add_scatter(
        x=lengths, y=[weights, weights], name="weights", mode="lines",
        line={"color": WITHOUT_CACHE, "width": 2, "dash": "longdash"},
        hovertemplate="%{y:.4s}B of weights<extra></extra>",
    )  # fmt: skip
    figure.add_vline(x=card.n_ctx, line={"color": WITHOUT_CACHE, "width": 1, "dash": "dot"})
    figure.add_annotation(
        x=np.log10(card.n_ctx), yref="paper", y=0.02, xanchor="right", yanchor="bottom",
        showarrow=False, text="the model’s context ", font={"size": 12},
    )  # fmt: skip
    bytes_against_tokens(
        figure,
        bytes_title="bytes of cache",
        tokens_title="tokens of each sequence",
        powers=range(2, 15),
    )
    return figure.update_layout(
        template=template(dark=dark), height=400, hovermode="closest",
        meta={"figure": "cache-bytes"},
    )  # fmt: skip
