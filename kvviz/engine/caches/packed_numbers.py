"""Rows whose numbers are kept in a few bits each, several to a byte."""

from __future__ import annotations

from typing import Any, Literal

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

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
        shape: Layers, KV heads, most rows, and width of a row.
        dtype: Number format of the rows, of the least numbers and of the steps.
        device: Where they live.

    Attributes:
        n_packed: Rows that are packed.
        n_rows: Rows that are there, those that wait among them.

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
    ) -> None:
        n_layers, n_heads, n_most, width = shape
        options: dict[str, Any] = {"dtype": dtype, "device": device}
        self._bits, self._axis, self._group, self._width = bits, axis, group, width
        self._per_byte = 8 // bits
        n_bytes = -(-width // self._per_byte)
        self._codes = torch.empty(
            (n_layers, n_heads, n_most, n_bytes), dtype=torch.uint8, device=device
        )
        self._shifts = torch.arange(0, 8, bits, dtype=torch.uint8, device=device)
        n_groups = (n_most, width // group) if axis == "token" else (n_most // group, width)
        self._least, self._step = torch.empty((2, n_layers, n_heads, *n_groups), **options)
        n_waiting = 0 if axis == "token" else group
        self._waiting = torch.empty((n_layers, n_heads, n_waiting, width), **options)
        self.n_packed = self.n_rows = 0

    @property
    def n_bytes(self) -> int:
        """Bytes of codes, least numbers and steps, and of the rows that wait."""
        n_groups = self.n_packed if self._axis == "token" else self.n_packed // self._group
        parts = (
            self._codes[:, :, : self.n_packed],
            self._least[:, :, :n_groups],
            self._step[:, :, :n_groups],
            self._waiting[:, :, : self.n_rows - self.n_packed],
        )
        return sum(part.nbytes for part in parts)

    def add(self, rows: Float[Tensor, "layer kv_head row width"]) -> None:
        """Take rows in behind the others, and pack those whose groups are full."""
        if self._axis == "channel":
            waiting = self._waiting[:, :, : self.n_rows - self.n_packed]
            rows = torch.cat([waiting, rows], dim=-2)
        n_full = rows.shape[-2] if self._axis == "token" else rows.shape[-2] // self._group
        n_full *= 1 if self._axis == "token" else self._group
        if n_full:
            self._pack(rows[:, :, :n_full])
        rest = rows[:, :, n_full:]
        self._waiting[:, :, : rest.shape[-2]] = rest
        self.n_packed += n_full
        self.n_rows = self.n_packed + rest.shape[-2]

    def write_to(self, room: Float[Tensor, "layer kv_head row width"]) -> None:
        """Write what is kept of the rows, unpacked, to the beginning of a room."""
        if self.n_packed:
            room[:, :, : self.n_packed] = self.unpacked(0)
        room[:, :, self.n_packed : self.n_rows] = self._waiting[:, :, : self.n_rows - self.n_packed]

    def unpacked(self, start: int) -> Float[Tensor, "layer kv_head row width"]:
        """Return packed rows from one on, as what is kept of them says."""
        codes = self._codes[:, :, start : self.n_packed, :, None] >> self._shifts
        codes = (codes & (2**self._bits - 1)).flatten(-2)[..., : self._width]
        groups = slice(start, self.n_packed)
        if self._axis == "channel":
            groups = slice(start // self._group, self.n_packed // self._group)
        least, step = (part[:, :, groups] for part in (self._least, self._step))
        numbers = self._grouped(codes.to(step.dtype))
        dim = -1 if self._axis == "token" else -2
        return self._ungrouped(numbers * step.unsqueeze(dim) + least.unsqueeze(dim))

    def _pack(self, rows: Float[Tensor, "layer kv_head row width"]) -> None:
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
        start = self.n_packed
        first = start if self._axis == "token" else start // self._group
        groups = slice(first, first + least.shape[2])
        self._least[:, :, groups], self._step[:, :, groups] = least, step
        self._codes[:, :, start : start + rows.shape[-2]] = self._bytes(codes)

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
