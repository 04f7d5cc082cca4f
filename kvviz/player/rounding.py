"""Numbers rounded to bytes, with what it takes to read them back."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, Int8


def scaled(
    rows: Float32[np.ndarray, "head position d_head"],
) -> tuple[Int8[np.ndarray, "head position d_head"], Float32[np.ndarray, " head"]]:
    """Round rows to 255 even parts of their head's range.

    Returns:
        Bytes b, and each head's largest absolute number s, with ``|x - b s / 127| <= 0.5 s / 127``.
    """
    scale = np.abs(rows).max(axis=(1, 2))
    divisor = np.where(scale > 0, scale, 1)[:, None, None]
    return np.rint(rows / divisor * np.float32(127)).astype(np.int8), scale
