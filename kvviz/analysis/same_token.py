"""Whether the cross-attention of a decoder finds, in the input, the token that it stands on."""

from __future__ import annotations

from collections.abc import Collection
from itertools import product

import numpy as np
from jaxtyping import Float64

from kvviz.trace import GenerationTrace


def same_token_mass(
    trace: GenerationTrace, among: Collection[int]
) -> Float64[np.ndarray, "layer head"] | None:
    """Measure how much of a row's cross-attention rests on the very token that the row is of.

    For the sentinels of a T5 that fills blanks: by a head with much of this mass a sentinel can be
    told which blank of the input is its own.

    Args:
        trace: A run of a T5.
        among: The token ids that count, such as those of the sentinels.

    Returns:
        Share of each head from 0 to 1, the mean over the decoder's rows whose token counts and
        stands in the input; None if the run has no encoder, or no such row.

    Source: a measure of our own, on the weights of Vaswani et al. (2017), section 3.2.3; sentinels,
    Raffel et al. (2020), section 3.1.4.
    """
    if trace.cross is None:
        return None
    fed = trace.token_ids[: trace.n_rows]
    same = fed[:, None] == trace.cross.encoder.token_ids[None]
    there = same.any(axis=1) & np.isin(fed, list(among))
    if not there.any():
        return None
    card = trace.model
    found = np.zeros((card.n_layers, card.n_heads))
    for layer, head in product(range(card.n_layers), range(card.n_heads)):
        weights = trace.cross_pattern(layer, head).astype(np.float64)
        found[layer, head] = (weights * same).sum(axis=1)[there].mean()
    return found
