"""Rows of numbers that are kept as coordinates along fewer directions than they have numbers."""

from __future__ import annotations

from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from kvviz.engine.caches.calibration import Basis, Part, part_of
from kvviz.engine.caches.protocol import RowsPlace
from kvviz.engine.caches.rebuilt_rows import RebuiltRows
from kvviz.errors import OptionsError
from kvviz.translation import gettext as _

_BLOCK = 16
"""Rows that are made anew in one product. The last bits of a product are those of its shape, and a
row must have the same whoever is read with it."""


class Coordinates:
    """Rows of some layers, each as far along each direction as it is.

    Args:
        basis: The directions.
        n_most: Most rows.
    """

    def __init__(self, basis: Basis, n_most: int) -> None:
        self._basis = basis
        n_layers, rank, width = basis.directions.shape
        n_places = -(-n_most // _BLOCK) * _BLOCK
        self._rows = basis.directions.new_zeros((n_layers, n_places, rank))
        self._n_rows = 0
        self._flops_a_row = 2 * n_layers * rank * width

    @property
    def n_bytes(self) -> int:
        """Bytes of the coordinates; the directions are the model's, whatever it reads."""
        return self._rows[:, : self._n_rows].nbytes

    def flops(self, start: int, stop: int, n_new: int) -> int:
        """Count the products of some rows that are made anew, in whole blocks, and of new ones."""
        n_read = len(_blocks(start, stop)) * _BLOCK
        return (n_read + n_new) * self._flops_a_row

    def add(self, rows: Float[Tensor, "layer row width"]) -> None:
        """Take rows in behind the others."""
        mean, directions = self._basis
        stop = self._n_rows + rows.shape[1]
        self._rows[:, self._n_rows : stop] = (rows - mean[:, None]).bmm(directions.mT)
        self._n_rows = stop

    def read(self, start: int, stop: int) -> Float[Tensor, "layer row width"]:
        """Return some rows, as their coordinates say."""
        blocks = _blocks(start, stop)
        layers: list[Tensor] = []
        for rows, mean, directions in zip(self._rows, *self._basis, strict=True):
            made = [rows[one : one + _BLOCK].mm(directions) for one in blocks]
            layers.append(torch.cat(made) + mean)
        begin = start - blocks.start
        return torch.stack(layers)[:, begin : begin + stop - start]


def _blocks(start: int, stop: int) -> range:
    """Return where the blocks begin that hold some rows."""
    return range(start // _BLOCK * _BLOCK, stop, _BLOCK) if stop > start else range(0)


class FewerNumbers:
    """The keys and values of some layers in coordinates, in two rows or in one.

    Args:
        ranks: How many directions of what part of the rows.
        place: What they are rows of, and where they live.
        layers: Which layers.
    """

    def __init__(self, ranks: dict[Part, int], place: RowsPlace, layers: list[int]) -> None:
        # Whoever makes room for a run knows its model.
        assert place.basis
        self._d_head = place.card.d_head
        self._parts: dict[Part, Coordinates] = {}
        for part, rank in ranks.items():
            mean, directions = place.basis(part, rank)
            basis = Basis(mean[layers], directions[layers])
            self._parts[part] = Coordinates(basis, place.n_positions)
        self._n_rows = 0

    @property
    def n_bytes(self) -> int:
        """Bytes of the coordinates."""
        return sum(part.n_bytes for part in self._parts.values())

    @property
    def n_changed(self) -> tuple[int, int]:
        """How many positions have rows in coordinates: all."""
        return self._n_rows, self._n_rows

    def flops(self, start: int, stop: int, n_new: int) -> int:
        """Count the products of some rows that are made anew and of new ones."""
        return sum(part.flops(start, stop, n_new) for part in self._parts.values())

    def add(self, rows: Float[Tensor, "2 layer kv_head row d_head"]) -> None:
        """Take rows in behind the others."""
        for name, part in self._parts.items():
            part.add(part_of(rows, name))
        self._n_rows += rows.shape[-2]

    def read(self, start: int, stop: int) -> Float[Tensor, "2 layer kv_head row d_head"]:
        """Return the rows of some positions."""
        read = [part.read(start, stop) for part in self._parts.values()]
        rows = torch.cat(read, dim=-1)  # layer row numbers, keys before values
        return rows.unflatten(-1, (2, -1, self._d_head)).permute(2, 0, 3, 1, 4)

    def let_go(self, first: int) -> None:
        """Do nothing: no layer of such a model has a window."""


def rows_in_fewer_numbers(ranks: dict[Part, int], place: RowsPlace) -> RebuiltRows:
    """Make room for the rows of a run that are kept in coordinates.

    Args:
        ranks: How many directions of what part of the rows.
        place: What they are rows of, and where they live.

    Raises:
        OptionsError: If a row has fewer numbers than it would be kept in.
    """
    width = place.card.n_kv_heads * place.card.d_head
    for part, rank in ranks.items():
        most = 2 * width if part == "both" else width
        if rank > most:
            raise OptionsError(
                _("A row of {n} numbers is kept in as many at most.").format(n=most),
                found=_("Found {found!r}.").format(found=rank),
                fix=_("Choose a lower rank."),
            )
    return RebuiltRows(place, partial(FewerNumbers, ranks, place))
