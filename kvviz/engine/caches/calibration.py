"""Along which directions the rows of a model are spread, as a text that ships tells."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float, Float64
from torch import Tensor

Part = Literal["keys", "values", "both"]
_PARTS: dict[Part, slice] = {"keys": slice(0, 1), "values": slice(1, 2), "both": slice(0, 2)}


class Basis(NamedTuple):
    """Directions of the rows of all heads of a layer, those that tell most of them first.

    Attributes:
        mean: What is taken off a row before it is told by directions.
        directions: Each of length 1, at right angles to all others.
    """

    mean: Float[Tensor, "layer width"]
    directions: Float[Tensor, "layer rank width"]


def joined(
    rows: Float[Tensor, "part layer kv_head row d_head"],
) -> Float[Tensor, "layer row width"]:
    """Return the numbers of all parts and heads of a position in one row."""
    return rows.permute(1, 3, 0, 2, 4).flatten(2)


def part_of(
    rows: Float[Tensor, "2 layer kv_head row d_head"], part: Part
) -> Float[Tensor, "layer row width"]:
    """Return the keys or the values of a position in one row, or both."""
    return joined(rows[_PARTS[part]])


def principal_directions(
    pieces: Iterable[Float[Tensor, "2 layer kv_head row d_head"]],
) -> dict[Part, Basis]:
    """Return all directions of each part, first those in which rows differ most from their mean.

    Worked out in float64, and returned in float32, which is half as large. What keys alone and
    values alone do stands in what both do together, so that one reading tells all.

    Source: Jolliffe (2002), “Principal component analysis”, section 1.1.
    """
    n, total, products = 0, torch.zeros(()), torch.zeros(())
    for piece in pieces:
        rows = joined(piece).cpu().double()
        n += rows.shape[1]
        total = total + rows.sum(1)
        products = products + rows.mT @ rows
    mean: Float64[Tensor, "layer width"] = total / n
    spread = products / n - mean[:, :, None] * mean[:, None]
    half = mean.shape[1] // 2
    found: dict[Part, Basis] = {}
    for part, parts in _PARTS.items():
        own = slice(parts.start * half, parts.stop * half)
        # They come ascending, a direction a column.
        directions = torch.linalg.eigh(spread[:, own, own]).eigenvectors.flip(-1).mT
        found[part] = Basis(mean[:, own].float(), directions.float())
    return found
