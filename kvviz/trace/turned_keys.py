"""Scores of keys that a cache had turned to another place than the one they were written at."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, Float64


def turned_scores(
    scores: Float32[np.ndarray, "query key"],
    queries: Float32[np.ndarray, "query d_head"],
    keys: Float32[np.ndarray, "key d_head"],
    scale: float,
    angles: Float64[np.ndarray, " pair"],
) -> None:
    """Put the scores of turned keys in the place of those that they would have as written.

    Where rows are gone those before them stand right before those behind them: a key is turned as
    many places on as rows between it and the query are gone.

    Args:
        scores: Query-key products, NaN where a query did not see a key.
        queries: Query rows of one head.
        keys: Key rows of one head, as they were written.
        scale: Factor on the products.
        angles: Radians by which each pair of numbers is turned for one place; a number is in a pair
            with the one half a row further on.

    Source: Su et al. (2021), “RoFormer”, section 3.4.2, equation 34; Xiao et al. (2023), “Efficient
    streaming language models with attention sinks”, section 3.2, for places within the cache.
    """
    seen = ~np.isnan(scores)
    gone = np.tri(len(scores), dtype=bool) & ~seen
    behind = np.cumsum(gone[:, ::-1], axis=1)[:, ::-1]
    half = keys.shape[-1] // 2
    for key in np.flatnonzero((seen & (behind > 0)).any(axis=0)):
        asking = np.flatnonzero(seen[:, key] & (behind[:, key] > 0))
        turns = behind[asking, key][:, None] * angles
        cos, sin = np.cos(turns), np.sin(turns)
        first, second = keys[key, :half], keys[key, half:]
        turned = np.concatenate([first * cos - second * sin, second * cos + first * sin], axis=1)
        scores[asking, key] = (queries[asking] * turned).sum(axis=1) * scale
