"""Bytes of a cache against its tokens: by formula in three widths, and as measured."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from kvviz.analysis.cache_widths import cache_widths
from kvviz.analysis.kept_bytes import Keeping, kept_bytes
from kvviz.analysis.memory import weight_bytes
from kvviz.figures.log_axes import bytes_against_tokens, counted_tokens
from kvviz.figures.theme import WITH_CACHE, WITHOUT_CACHE, template
from kvviz.trace.race import Race
from kvviz.translation import gettext as _

_DASHES = {"fp32": "solid", "fp16": "dash", "int8": "dot"}


def cache_bytes_curve(race: Race, *, dark: bool = False) -> go.Figure:
    """Draw the cache of a race beside its weights.

    Args:
        race: Which model, how many sequences, and the bytes that its tensors held.
        dark: Whether the figure stands on a dark ground. Makes no difference inside the app.

    Returns:
        The figure: a line a width, one more of a cache that keeps some rows, the measured bytes as
        marks, the weights as a line.
    """
    card, batch = race.model, race.batch
    widths = cache_widths(card, batch=batch)
    longest = max(card.n_ctx, *(one.break_even for one in widths)) * 1.3
    lengths = np.array([1.0, longest])
    figure = go.Figure()
    for one in widths:
        figure.add_scatter(
            x=lengths, y=lengths * one.bytes_per_token * batch, text=counted_tokens(lengths),
            mode="lines", name=_("{dtype}, by formula").format(dtype=one.name),
            line={"color": WITH_CACHE, "width": 2, "dash": _DASHES[one.name]},
            hovertemplate="%{text}<br>"
            + _("{size} in {dtype}, by formula").format(size="%{y:.4s}B", dtype=one.name)
            + "<extra></extra>",
        )  # fmt: skip
    if race.rows is not None:
        keeping = Keeping(rows=race.rows)
        # Up to the budget it is the line of every row, and from there on it is level.
        corners = np.array([1.0, race.rows - 1, longest])
        figure.add_scatter(
            x=corners, y=[kept_bytes(card, int(n), keeping) * batch for n in corners],
            text=counted_tokens(corners), mode="lines",
            name=_("{n:,} rows kept, by formula").format(n=race.rows),
            line={"color": WITH_CACHE, "width": 2, "dash": "longdashdot"},
            hovertemplate="%{text}<br>"
            + _("{size} with {n:,} rows kept, by formula").format(size="%{y:.4s}B", n=race.rows)
            + "<extra></extra>",
        )  # fmt: skip
    shown = np.unique(np.geomspace(1, race.n_new, 8).round().astype(int)) - 1
    held = race.n_prompt + shown
    figure.add_scatter(
        x=held, y=race.cache_bytes[shown], text=counted_tokens(held), mode="markers",
        name=_("the real tensors"),
        marker={"color": WITH_CACHE, "size": 9, "line": {"width": 1, "color": "#ffffff"}},
        hovertemplate="%{text}<br>"
        + _("{size} in the tensors, {dtype}").format(size="%{y:.4s}B", dtype=card.dtype)
        + "<extra></extra>",
    )  # fmt: skip
    weights = weight_bytes(card)
    figure.add_scatter(
        x=lengths, y=[weights, weights], name=_("weights"), mode="lines",
        line={"color": WITHOUT_CACHE, "width": 2, "dash": "longdash"},
        hovertemplate=_("{size} of weights").format(size="%{y:.4s}B") + "<extra></extra>",
    )  # fmt: skip
    figure.add_vline(x=card.n_ctx, line={"color": WITHOUT_CACHE, "width": 1, "dash": "dot"})
    figure.add_annotation(
        x=np.log10(card.n_ctx), yref="paper", y=0.02, xanchor="right", yanchor="bottom",
        showarrow=False, text=_("the model’s context") + " ", font={"size": 12},
    )  # fmt: skip
    bytes_against_tokens(
        figure,
        bytes_title=_("bytes of cache"),
        tokens_title=_("tokens of each sequence"),
        powers=range(2, 15),
    )
    return figure.update_layout(
        template=template(dark=dark), height=400, hovermode="closest",
        meta={"figure": "cache-bytes"},
    )  # fmt: skip
