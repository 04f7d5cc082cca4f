"""The head that has most to show where none is asked for."""

from __future__ import annotations

import numpy as np

from kvviz.analysis.attention import attention_entropy
from kvviz.trace import GenerationTrace

HALF = 0.5
"""Of the entropy that a query could have. At 0 a head draws a bare line, at 1 an even ground."""

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
    heads = [(one, head) for one in layers for head in range(trace.model.n_heads)]
    spreads = [_spread(trace, *place) for place in heads]
    return heads[int(np.argmin(np.abs(np.array(spreads) - HALF)))]


def _spread(trace: GenerationTrace, layer: int, head: int) -> float:
    """Return the mean entropy of a head's queries, as a share of the most that each could have."""
    entropy = attention_entropy(trace.pattern(layer, head))[1:]
    return float((entropy / np.log2(np.arange(2, entropy.size + 2))).mean())
