"""Rows that are kept as they were written, beside a part that is packed."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


class WholeNumbers:
    """Rows of numbers as they are, with what `PackedNumbers` has of those that are packed.

    Args:
        shape: Layers, KV heads, rows that there is room for at first, and width of a row.
        dtype: Number format of the rows.
        device: Where they live.

    Attributes:
        first: Position of the first row that is there.
        n_packed: 0: none ever is.
        n_rows: Rows that were taken in.
    """

    n_packed = 0

    def __init__(
        self, shape: tuple[int, int, int, int], *, dtype: torch.dtype, device: torch.device
    ) -> None:
        self._n_most = shape[2]
        self._rows = torch.empty(shape, dtype=dtype, device=device)
        # Position of what lies first in the room.
        self._start = 0
        self.first = self.n_rows = 0

    @property
    def n_bytes(self) -> int:
        """Bytes of the rows that are there."""
        return self.read(self.first, self.n_rows).nbytes

    def add(self, rows: Float[Tensor, "layer kv_head row width"]) -> None:
        """Take rows in behind the others."""
        n_new = rows.shape[-2]
        if self.n_rows - self._start + n_new > self._rows.shape[2]:
            self._move(n_new)
        at = self.n_rows - self._start
        self._rows[:, :, at : at + n_new] = rows
        self.n_rows += n_new

    def read(self, start: int, stop: int) -> Float[Tensor, "layer kv_head row width"]:
        """Return the rows of some positions that are there."""
        return self._rows[:, :, start - self._start : stop - self._start]

    def let_go(self, first: int) -> None:
        """Let go of the rows before a position."""
        self.first = first
        if self._rows.shape[2] > self._n_most:
            self._move(0)

    def _move(self, n_more: int) -> None:
        """Move what is there to the front of a new room, with place for more rows."""
        there = self.read(self.first, self.n_rows)
        n_rows = max(self._n_most, there.shape[2] + n_more)
        rows = there.new_empty((*there.shape[:2], n_rows, there.shape[-1]))
        rows[:, :, : there.shape[2]] = there
        self._rows, self._start = rows, self.first
