"""The head that has most to show where none is asked for."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, Float64

from kvviz.analysis.blocks import blocks_of_layer
from kvviz.trace import GenerationTrace

HALF = 0.5
"""Of the entropy that a query could have. At 0 a head draws a bare line, at 1 an even ground."""

Patterns = Float32[np.ndarray, "head query key"]

_TINY = np.finfo(np.float32).tiny

MOST_ROWS = 128
"""Rows of a run whose heads are compared: beyond, all patterns of all heads take seconds."""


def telling_head(trace: GenerationTrace, layer: int | None = None) -> tuple[int, int] | None:
    """Return the head whose attention is neither on one key a row nor spread over all alike.

    Args:
        trace: The run; its own self-attention is looked at.
        layer: The layer to choose in; None for any.

    Returns:
        Layer and head of the mean entropy that lies nearest to half of what it could be, over the
        queries that may see more than one key. None if there is no such query, or the run has more
        than `MOST_ROWS` rows.

    Source: entropy of a head, Clark et al. (2019), section 3.3; that half of the most is what has
    most to show is a rule of this project.
    """
    if not 2 <= trace.n_rows <= MOST_ROWS:
        return None
    layers = range(trace.model.n_layers) if layer is None else (layer,)
    spreads = np.stack([_spreads(trace, one) for one in layers])
    place, head = divmod(int(np.argmin(np.abs(spreads - HALF))), spreads.shape[1])
    return layers[place], head


def _spreads(trace: GenerationTrace, layer: int) -> Float64[np.ndarray, " head"]:
    """Return the mean entropy of each head's queries, as a share of the most it could have.

    All heads of a layer at once, in float32: `attention_entropy`, head by head, took four times as
    long, and each visitor with a run of their own waits for it.
    """
    total = np.zeros(trace.model.n_heads)
    for first, weights in blocks_of_layer(trace, layer):
        # Cells that are masked, NaN or 0, become so small that they add nothing.
        shares: Patterns = np.fmax(weights, _TINY)
        entropy = -(shares * np.log2(shares)).sum(axis=2)
        n_seen = np.arange(first + 1, first + 1 + int(weights.shape[1]), dtype=np.float64)
        most = np.log2(n_seen)
        first_seen = 1 if first == 0 else 0  # the first query sees itself alone
        total += (entropy[:, first_seen:] / most[first_seen:]).sum(axis=1)
    return total / (trace.n_rows - 1)
