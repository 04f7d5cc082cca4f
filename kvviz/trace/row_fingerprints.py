"""Fingerprints of K/V rows: equal numbers mean equal bits.

The bits of each number of a row, read as an integer, are multiplied by a random odd 64-bit number
of its own and summed modulo 2^64. An odd factor has an inverse, so that no change to a single
number can go unseen; changes to several cancel with a chance of about 2^-63. The factors are the
same for all runs, so that whoever has the rows can take their fingerprints again.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, Int64

_SEED = 0x6B767669
"""Any fixed number; files that were saved hold fingerprints that its factors have made."""


def fingerprint_factors(n_heads: int, d_head: int) -> Int64[np.ndarray, "n_heads 1 d_head"]:
    """Return the odd factor of each number of a row, by head and place in it.

    They are the numbers that PyTorch's Mersenne Twister draws between -2^63 and 2^63 - 1, made odd.
    """
    twister = np.random.RandomState(_SEED)
    halves = twister.randint(0, 2**32, 2 * n_heads * d_head, dtype=np.uint32).astype(np.uint64)
    drawn = (halves[::2] << np.uint64(32) | halves[1::2]) % np.uint64(2**64 - 1)
    numbers = (drawn + np.uint64(2**63)).view(np.int64)
    return numbers.reshape(n_heads, 1, d_head) | 1


def row_fingerprints(
    rows: Float32[np.ndarray, "*layer head position d_head"], dtype: str
) -> Int64[np.ndarray, "*layer position"] | None:
    """Return the fingerprint of each row that a model computed in `dtype` and a trace keeps.

    Args:
        rows: Rows as a trace keeps them.
        dtype: What they were computed in, as a model's card names it.

    Returns:
        The fingerprints, or None where float32 does not hold all bits that the rows had.
    """
    rows = np.ascontiguousarray(rows)
    if dtype == "float32":
        bits = rows.view(np.int32)
    elif dtype == "bfloat16":
        bits = (rows.view(np.int32) >> 16).astype(np.int16)
    elif dtype == "float16":
        bits = rows.astype(np.float16).view(np.int16)
    else:
        return None
    return (bits * fingerprint_factors(rows.shape[-3], rows.shape[-1])).sum((-3, -1))
