"""Whether two measures put things into the same order."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float


def rank_correlation(one: Float[np.ndarray, " thing"], other: Float[np.ndarray, " thing"]) -> float:
    """Return Spearman's correlation of two measures of the same things, in [-1, 1].

    It asks for the order alone: 1 where both have the same, -1 where one has that of the other
    reversed. Equal numbers share the mean of their ranks. 0 where all numbers of one are equal, or
    there are fewer than two.

    Example:
        >>> rank_correlation(np.array([1.0, 2.0, 9.0]), np.array([0.1, 0.5, 0.4]))
        0.5

    Source: Spearman (1904), “The proof and measurement of association between two things”.
    """
    ranks = [_ranks(measure) for measure in (one, other)]
    if len(one) < 2 or any(np.ptp(rank) == 0 for rank in ranks):
        return 0.0
    return round(float(np.corrcoef(ranks[0], ranks[1])[0, 1]), 12)


def _ranks(measure: Float[np.ndarray, " thing"]) -> Float[np.ndarray, " thing"]:
    _values, inverse, counts = np.unique(measure, return_inverse=True, return_counts=True)
    # The last rank of equal numbers, less half of those they share.
    return (np.cumsum(counts) - (counts - 1) / 2)[inverse]
