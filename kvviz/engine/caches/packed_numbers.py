"""Rows whose numbers are kept in a few bits each, several to a byte."""

from __future__ import annotations

from typing import Any, Literal

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from kvviz.engine.caches.rotation import Rotation

Axis = Literal["channel", "token"]


class PackedNumbers:
    """Rows of numbers of 1, 2, 4 or 8 bits: whole steps above the least number of a group.

    Numbers of a group share their least number and their step. Along ``token`` a group is
    neighbours in one row, and a row is packed as it comes. Along ``channel`` it is one number of so
    many rows, which are packed once all of them are there; rows that wait are kept as they are.

    Steps lead from the least number of a group to the largest. At one bit most numbers would be far
    from both, so that they lead from the mean distance below the mean to that above it.

    Args:
        bits: Of a number.
        axis: Along what a group lies.
        group: Numbers of a group.
        shape: Layers, KV heads, rows that there is room for at first, and width of a row.
        dtype: Number format of the rows, of the least numbers and of the steps.
        device: Where they live.
        rotation: What rows are turned by before they are packed, and back after; None for nothing.

    Attributes:
        first: Position of the first row that is there.
        n_packed: Rows that were packed, those that are gone among them.
        n_rows: Rows that were taken in, those that wait among them.

    Source: Liu et al. (2024), “KIVI: a tuning-free asymmetric 2bit quantization for KV cache”,
    sections 3.1 and 3.3.
    """

    def __init__(
        self,
        bits: int,
        axis: Axis,
        group: int,
        shape: tuple[int, int, int, int],
        *,
        dtype: torch.dtype,
        device: torch.device,
        rotation: Rotation | None = None,
    ) -> None:
        n_layers, n_heads, n_most, width = shape
        options: dict[str, Any] = {"dtype": dtype, "device": device}
        self._bits, self._axis, self._group, self._width = bits, axis, group, width
        self._rotation = rotation
        self._per_byte = 8 // bits
        # Rows of a group along the text, and groups of a row.
        self._n_together = group if axis == "channel" else 1
        n_of_row = width if axis == "channel" else width // group
        self._n_most = -(-n_most // self._n_together) * self._n_together
        places = (n_layers, n_heads, self._n_most)
        n_bytes = -(-width // self._per_byte)
        self._codes = torch.empty((*places, n_bytes), dtype=torch.uint8, device=device)
        self._shifts = torch.arange(0, 8, bits, dtype=torch.uint8, device=device)
        n_groups = self._n_most // self._n_together
        self._least, self._step = torch.empty((2, n_layers, n_heads, n_groups, n_of_row), **options)
        n_waiting = 0 if axis == "token" else group
        self._waiting = torch.empty((n_layers, n_heads, n_waiting, width), **options)
        # Position of what lies first in the room, the first of a group.
        self._start = 0
        self.first = self.n_packed = self.n_rows = 0

    @property
    def n_bytes(self) -> int:
        """Bytes of codes, least numbers and steps, and of the rows that wait."""
        there = slice(self.first - self._start, self.n_packed - self._start)
        groups = self._groups(self.first, self.n_packed)
        parts = (
            self._codes[:, :, there],
            self._least[:, :, groups],
            self._step[:, :, groups],
            self._waiting[:, :, : self.n_rows - self.n_packed],
        )
        return sum(part.nbytes for part in parts)

    def add(self, rows: Float[Tensor, "layer kv_head row width"]) -> None:
        """Take rows in behind the others, and pack those whose groups are full."""
        if self._axis == "channel":
            waiting = self._waiting[:, :, : self.n_rows - self.n_packed]
            rows = torch.cat([waiting, rows], dim=-2)
        n_full = rows.shape[-2] // self._n_together * self._n_together
        if n_full:
            self._pack(rows[:, :, :n_full])
        rest = rows[:, :, n_full:]
        self._waiting[:, :, : rest.shape[-2]] = rest
        self.n_packed += n_full
        self.n_rows = self.n_packed + rest.shape[-2]

    def read(self, start: int, stop: int) -> Float[Tensor, "layer kv_head row width"]:
        """Return the rows of some positions that are there, as what is kept of them says."""
        middle = max(start, min(stop, self.n_packed))
        waiting = self._waiting[:, :, middle - self.n_packed : stop - self.n_packed]
        if middle == start:
            return waiting
        unpacked = self._unpacked(start, middle)
        return torch.cat([unpacked, waiting], dim=-2) if stop > middle else unpacked

    def let_go(self, first: int) -> None:
        """Let go of the rows before a position, all of which are packed."""
        self.first = first
        if self._codes.shape[2] > self._n_most:
            self._move(0)

    def _groups(self, start: int, stop: int) -> slice:
        """Return where the groups lie that hold packed rows of these positions."""
        n = self._n_together
        return slice(start // n - self._start // n, -(-stop // n) - self._start // n)

    def _unpacked(self, start: int, stop: int) -> Float[Tensor, "layer kv_head row width"]:
        groups = self._groups(start, stop)
        places = slice(groups.start * self._n_together, groups.stop * self._n_together)
        codes = self._codes[:, :, places, :, None] >> self._shifts
        codes = (codes & (2**self._bits - 1)).flatten(-2)[..., : self._width]
        least, step = (part[:, :, groups] for part in (self._least, self._step))
        numbers = self._grouped(codes.to(step.dtype))
        dim = -1 if self._axis == "token" else -2
        rows = self._ungrouped(numbers * step.unsqueeze(dim) + least.unsqueeze(dim))
        if self._rotation is not None:
            rows = self._rotation.turn_back(rows).to(step.dtype)
        begin = start - self._start - places.start
        return rows[:, :, begin : begin + stop - start]

    def _move(self, n_more: int) -> None:
        """Move what is there to the front of a new room, with place for more rows."""
        start = self.first // self._n_together * self._n_together
        there = slice(start - self._start, self.n_packed - self._start)
        groups = self._groups(start, self.n_packed)
        n_rows = max(self._n_most, self.n_packed - start + n_more)
        parts = ((self._codes, there), (self._least, groups), (self._step, groups))
        rooms: list[Tensor] = []
        for (old, where), n in zip(parts, (1, *(self._n_together,) * 2), strict=True):
            new = old.new_empty((*old.shape[:2], n_rows // n, old.shape[-1]))
            new[:, :, : where.stop - where.start] = old[:, :, where]
            rooms.append(new)
        self._codes, self._least, self._step = rooms
        self._start = start

    def _pack(self, rows: Float[Tensor, "layer kv_head row width"]) -> None:
        n_new = rows.shape[-2]
        if self.n_packed - self._start + n_new > self._codes.shape[2]:
            self._move(n_new)
        if self._rotation is not None:
            rows = self._rotation.turn(rows).to(rows.dtype)
        dim = -1 if self._axis == "token" else -2
        grouped = self._grouped(rows)
        if self._bits == 1:
            mean = grouped.mean(dim)
            away = (grouped - mean.unsqueeze(dim)).abs().mean(dim)
            least, step = mean - away, 2 * away
        else:
            least = grouped.amin(dim)
            step = (grouped.amax(dim) - least) / (2**self._bits - 1)
        # A group of equal numbers has no step, and is its least number whatever it is divided by.
        divisor = torch.where(step > 0, step, torch.ones_like(step))
        above = (grouped - least.unsqueeze(dim)) / divisor.unsqueeze(dim)
        codes = self._ungrouped(above.round().clamp(0, 2**self._bits - 1)).to(torch.uint8)
        groups = self._groups(self.n_packed, self.n_packed + n_new)
        self._least[:, :, groups], self._step[:, :, groups] = least, step
        start = self.n_packed - self._start
        self._codes[:, :, start : start + n_new] = self._bytes(codes)

    def _bytes(self, codes: UInt8[Tensor, "... width"]) -> UInt8[Tensor, "... byte"]:
        """Put neighbours of a row into one byte, the first into the lowest bits."""
        n_missing = -self._width % self._per_byte
        padded = torch.nn.functional.pad(codes, (0, n_missing))
        parts = padded.unflatten(-1, (-1, self._per_byte)) << self._shifts
        return parts.sum(-1, dtype=torch.uint8)

    def _grouped(self, rows: Tensor) -> Tensor:
        if self._axis == "token":
            return rows.unflatten(-1, (-1, self._group))
        return rows.unflatten(-2, (-1, self._group))

    def _ungrouped(self, rows: Tensor) -> Tensor:
        return rows.flatten(-2) if self._axis == "token" else rows.flatten(-3, -2)
