"""How a model's KV cache grows with the context, beside its weights."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import plotly.graph_objects as go

from kvviz.analysis.cache_size import architecture_cache_bytes, constant_bytes
from kvviz.errors import OptionsError
from kvviz.figures.log_axes import bytes_against_tokens, counted_tokens
from kvviz.figures.theme import WITH_CACHE, WITHOUT_CACHE, template
from kvviz.trace.architecture import Architecture
from kvviz.translation import gettext as _


def cache_growth(
    shape: Architecture,
    weights: int,
    *,
    n_tokens: int,
    n_users: int = 1,
    number: str = "bfloat16",
    dark: bool = False,
) -> go.Figure:
    """Draw the bytes of a model's cache over the context, beside its weights.

    A dotted line shows the same model if every query head kept keys and values of its own, over
    all positions, and in the layers that keep a state too: what sharing heads, latent rows, windows
    and states save. Where layers keep a state, a flat line shows it: part of the cache, and the
    whole of it where no layer attends.

    Args:
        shape: The model's shape.
        weights: Bytes of its weights.
        n_tokens: Positions to mark, at least 1.
        n_users: Sequences served at the same time.
        number: Number format of the cache.
        dark: Whether the figure stands on a dark ground. Makes no difference inside the app.

    Raises:
        OptionsError: If the model keeps no cache, its cache is unknown, or a number is out of
            range.
    """
    if n_tokens < 1 or not architecture_cache_bytes(shape, 1):
        raise OptionsError(_("A picture of a growing cache needs a cache and a length."))
    longest = max(shape.n_ctx, n_tokens)
    lengths = np.unique(
        np.append(np.geomspace(1, longest, 97).round(), [n_tokens, shape.window or 1])
    )
    figure = go.Figure()
    name = _("rows and state") if shape.state else _("KV cache")
    lines = [(name, shape, {"color": WITH_CACHE, "width": 3})]
    bare = without_savings(shape)
    if bare != shape:
        dotted = {"color": WITH_CACHE, "width": 2, "dash": "dot"}
        lines.append((_("if every query head kept its own"), bare, dotted))
    if shape.attention == "none":
        lines[0] = (_("state, which does not grow"), shape, {"color": WITH_CACHE, "width": 3})
    for name, one, line in lines:
        sizes = [
            architecture_cache_bytes(one, int(n), n_users=n_users, number=number) for n in lengths
        ]
        figure.add_scatter(
            x=lengths, y=np.array(sizes, dtype=np.float64), text=counted_tokens(lengths), name=name,
            mode="lines", line=line,
            hovertemplate=f"%{{text}}<br>%{{y:.3s}}B, {name}<extra></extra>",
        )  # fmt: skip
    if shape.state and shape.attention != "none":
        state = constant_bytes(shape, n_users=n_users, number=number)
        figure.add_scatter(
            x=[1, longest], y=[state, state], mode="lines", name=_("state, which does not grow"),
            line={"color": WITH_CACHE, "width": 2, "dash": "longdash"},
            hovertemplate=f"%{{y:.4s}}B, {_('state, which does not grow')}<extra></extra>",
        )  # fmt: skip
    here = architecture_cache_bytes(shape, n_tokens, n_users=n_users, number=number)
    figure.add_scatter(
        x=[n_tokens], y=[here], text=counted_tokens(np.array([n_tokens])), mode="markers",
        name=_("your choice"), showlegend=False,
        marker={"symbol": "circle", "size": 11, "color": WITH_CACHE},
        hovertemplate="%{text}<br>%{y:.4s}B<extra></extra>",
    )  # fmt: skip
    figure.add_scatter(
        x=[1, longest], y=[weights, weights], mode="lines", name=_("weights"),
        line={"color": WITHOUT_CACHE, "width": 2, "dash": "dash"},
        hovertemplate=f"%{{y:.4s}}B, {_('weights')}<extra></extra>",
    )  # fmt: skip
    bytes_against_tokens(
        figure, bytes_title=_("bytes"), tokens_title=_("tokens of context"), powers=range(19)
    )
    if shape.attention == "none":
        # Two flat lines may lie within one power of ten, where hardly anything would be marked.
        ends = sorted(math.log10(size) for size in (here, weights))
        figure.update_yaxes(range=[math.floor(ends[0]) - 0.2, math.ceil(ends[1]) + 0.2])
    return figure.update_layout(
        template=template(dark=dark),
        height=460,
        hovermode="closest",
        meta={"figure": "cache-growth"},
    )


def without_savings(shape: Architecture) -> Architecture:
    """Return the shape whose query heads each keep keys and values of their own, everywhere.

    Layers that keep a state in place of rows attend too, as the others do. A model in which no
    layer attends has no heads to go by, and is returned as it is. Under MLA rows are as wide as the
    heads' keys and values are when they are made from the latent row, rotary part included.
    """
    if shape.attention == "none":
        return shape
    in_place_of_rows = min(
        shape.n_layers_without_attention, shape.state.n_layers if shape.state else 0
    )
    width = shape.d_head
    if shape.attention == "MLA":
        width = (shape.d_head + shape.d_rope + shape.d_value) // 2
    return replace(
        shape,
        attention="MHA",
        n_kv_heads=shape.n_heads,
        d_head=width,
        n_layers_without_attention=shape.n_layers_without_attention - in_place_of_rows,
        state=None,
        compressed=None,
        n_window_layers=0,
        window=0,
        n_index_layers=0,
        n_index_heads=0,
        d_index=0,
        d_kv_latent=0,
        d_q_latent=0,
        d_rope=0,
        d_value=0,
    )
