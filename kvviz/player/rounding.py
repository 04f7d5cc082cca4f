"""Numbers rounded to bytes, once for a picture and once more for arithmetic."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float32, Int8


def largest(rows: Float32[np.ndarray, "head position d_head"]) -> Float32[np.ndarray, " head"]:
    """Return each head's largest absolute number."""
    return np.abs(rows).max(axis=(1, 2))


def scaled(
    rows: Float32[np.ndarray, "head position d_head"],
    scale: Float32[np.ndarray, " head"] | None = None,
) -> tuple[
    Int8[np.ndarray, "head position d_head"],
    Int8[np.ndarray, "head position d_head"],
    Float32[np.ndarray, " head"],
]:
    """Round rows to 255 even parts of their head's range.

    Args:
        rows: The numbers.
        scale: Each head's largest absolute number, where these are not all of its rows.

    Returns:
        Bytes b, what they leave over as bytes r, and each head's largest absolute number s, with
        ``|x - b s / 127| <= 0.5 s / 127`` and ``|x - (b + r / 254) s / 127| <= s / 64516``.
    """
    if scale is None:
        scale = largest(rows)
    divisor = np.where(scale > 0, scale, 1)[:, None, None].astype(np.float64)
    parts = rows / divisor * 127
    coarse = np.rint(parts)
    return coarse.astype(np.int8), np.rint((parts - coarse) * 254).astype(np.int8), scale


def named_numbers(
    name: str, layer: int, rows: Float32[np.ndarray, "head position d_head"], n_held: int = 0
) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the arrays of a layer's rows: the numbers, what they leave over, and their scale.

    Args:
        name: What is packed, such as ``on.keys``.
        layer: Of the model.
        rows: The numbers.
        n_held: Of these first rows the numbers are left out, unless the largest of a head is among
            the others: then all of them are other parts of it than they were.
    """
    scale = largest(rows)
    if n_held and np.array_equal(largest(rows[:, :n_held]), scale):
        rows = rows[:, n_held:]
    coarse, rest, scale = scaled(rows, scale)
    one = name.removesuffix("ies") + "y" if name.endswith("ies") else name.removesuffix("s")
    # not for people: names of arrays
    yield f"{name}.{layer}", coarse
    yield f"{one}_rest.{layer}", rest
    yield f"{one}_scale.{layer}", scale
