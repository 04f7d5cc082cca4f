"""Rows of layers that keep equally many of them, in one buffer from which any can be dropped."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from kvviz.engine.caches.observed_layer import ObservedLayer
from kvviz.engine.caches.protocol import RowsPlace


class DroppedRows(NamedTuple):
    """Rows that a room has let go of, as they were last.

    Attributes:
        positions: Where they stood in the text, ascending in each head.
        rows: Keys ([0]) and values ([1]).
    """

    positions: Int64[Tensor, "layer kv_head row"]
    rows: Float[Tensor, "2 layer kv_head row d_head"]


class RoomLayer(ObservedLayer):
    """One layer of a cache whose rows lie in a room with those of other layers.

    Attributes:
        keys: The key rows that are there.
        values: The value rows that are there.
        writes: Positions written by each update since `take_writes`.
    """

    def __init__(self, room: RowRoom, place: int, *, is_sliding: bool) -> None:
        super().__init__()
        self._room, self._place = room, place
        # Masks of layers with a window are made by the first that says so.
        self.is_sliding = is_sliding

    def show(self, n_rows: int) -> tuple[Tensor, Tensor]:
        """Let keys and values be the first rows of the layer's part of the room."""
        # Sliced, not selected, so that the axis of the text is there.
        rows = self._room.buffer[:, self._place : self._place + 1, :, :n_rows]
        self.keys, self.values = rows.unbind(0)
        return self.keys, self.values

    def update(
        self, key_states: Tensor, value_states: Tensor, *_rest: Any, **_named: Any
    ) -> tuple[Tensor, Tensor]:
        """Write new rows behind the others and return all of them.

        Raises:
            ObservationError: If they are not as many as the room was made ready for.
        """
        room, fed = self._room, self._room.fed
        self.check_room(fed, key_states.shape[-2])
        new = room.buffer[:, self._place, :, room.n_rows : room.n_rows + len(fed)]
        new[0] = key_states[0]
        new[1] = value_states[0]
        self.writes.append(fed)
        return self.show(room.n_rows + len(fed))

    def get_seq_length(self) -> int:
        """Return how many rows are there, which is not how many have been written."""
        return self.keys.shape[-2]

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """Return how many keys a forward pass will see, counted from the first that is there."""
        return self.get_seq_length() + query_length, 0


class RowRoom:
    """Keys and values of some layers, equally many in each head of each.

    Rows lie in no order once one has been dropped: the newest takes its place, so that a step of
    one row moves one row. Which position lies where is told by `positions`.

    Args:
        layers: Which layers, ascending.
        place: What the rows are rows of, and where they live.

    Attributes:
        layers: As given.
        buffer: Keys ([0]) and values ([1]), shape ``2 layer kv_head room d_head``.
        n_rows: Rows that are there in each head.
        n_written: Rows that have been written, those that are gone among them.
        fed: Positions that the room was made ready for.
        taken: What a rule goes by, for each row that is there, or None.
        cache_layers: What a model writes to, one a layer.
        unturned: Keys of the first rows as they were written, where attention reads them turned.
    """

    def __init__(self, layers: list[int], place: RowsPlace) -> None:
        card, self._place = place.card, place
        shape = (len(layers), card.n_kv_heads, 0)
        options: dict[str, Any] = {"device": place.device}
        self.layers = layers
        self.buffer = torch.empty((2, *shape, card.d_head), dtype=place.dtype, **options)
        self._positions = torch.empty(shape, dtype=torch.int64, **options)
        self.taken: Tensor | None = None
        self.unturned: Tensor | None = None
        self.n_rows = self.n_written = 0
        self.fed = range(0)
        self.cache_layers = [
            RoomLayer(self, number, is_sliding=card.window(layer) is not None)
            for number, layer in enumerate(layers)
        ]
        self._show()

    @property
    def positions(self) -> Int64[Tensor, "layer kv_head row"]:
        """Where in the text each row stands, those that are being written among them."""
        return self._positions[..., : self.n_rows + len(self.fed)]

    @property
    def rows(self) -> Float[Tensor, "2 layer kv_head row d_head"]:
        """The rows that are there."""
        return self.buffer[..., : self.n_rows, :]

    def make_ready(self, fed: range) -> None:
        """Make room for the rows of these positions, which the next pass writes."""
        n_rows = self.n_rows + len(fed)
        if n_rows > self.buffer.shape[-2]:
            self._move(max(n_rows, min(2 * n_rows, self._place.n_positions)))
        self._positions[..., self.n_rows : n_rows] = torch.arange(
            fed.start, fed.stop, device=self._place.device
        )
        self.fed = fed

    def take_in(self) -> Float[Tensor, "2 layer kv_head position d_head"]:
        """Count the rows that have been written as there; return a copy of them."""
        start, self.n_rows = self.n_rows, self.n_rows + len(self.fed)
        self.n_written = self.fed.stop
        self.fed = range(0)
        return self.buffer[..., start : self.n_rows, :].clone()

    def drop(self, places: Int64[Tensor, "layer kv_head row"]) -> DroppedRows:
        """Let go of rows, equally many of each head, and return them.

        Args:
            places: Where they lie.
        """
        gone = DroppedRows(
            self._positions.gather(-1, places),
            self.rows.gather(-2, _wide(places, self.buffer)),
        )
        if places.shape[-1] == 1:
            self._overwrite(places)
        else:
            self._keep_others(places)
            order = gone.positions.argsort(-1)
            gone = DroppedRows(
                gone.positions.gather(-1, order), gone.rows.gather(-2, _wide(order, self.buffer))
            )
        self._show()
        return gone

    def turn_first(self, n: int, cos: Tensor, sin: Tensor) -> None:
        """Let attention read the first keys turned from where they were written, in one turn.

        Args:
            n: How many; they lie first in each head and stay there.
            cos: Of each number of a key, shape ``layer d_head``.
            sin: Likewise.

        Source: Su et al. (2021), “RoFormer”, section 3.4.2, equation 34.
        """
        if self.unturned is None:
            self.unturned = self.buffer[0, :, :, :n].clone()
        keys = self.unturned.to(cos.dtype)
        first, second = keys.chunk(2, -1)
        beside = torch.cat([-second, first], -1)
        self.buffer[0, :, :, :n] = keys * cos[:, None, None] + beside * sin[:, None, None]

    @property
    def written_rows(self) -> Float[Tensor, "2 layer kv_head row d_head"]:
        """The rows that are there, as they were written."""
        if self.unturned is None:
            return self.rows
        rows = self.rows.clone()
        rows[0, :, :, : self.unturned.shape[-2]] = self.unturned
        return rows

    @property
    def n_bytes(self) -> int:
        """Bytes of the tensors that hold what is kept."""
        return self.rows.nbytes + (0 if self.unturned is None else self.unturned.nbytes)

    def _overwrite(self, places: Int64[Tensor, "layer kv_head 1"]) -> None:
        """Put the last row of each head in the place of one that goes."""
        last = slice(self.n_rows - 1, self.n_rows)
        wide = _wide(places, self.buffer)
        self.buffer.scatter_(-2, wide, self.buffer[..., last, :].clone())
        self._positions.scatter_(-1, places, self._positions[..., last].clone())
        if self.taken is not None:
            self.taken = self.taken.scatter(-1, places, self.taken[..., last])[..., :-1]
        self.n_rows -= 1

    def _keep_others(self, places: Int64[Tensor, "layer kv_head row"]) -> None:
        """Gather the rows that stay into a room of their size and one more."""
        stays = torch.ones_like(self._positions[..., : self.n_rows], dtype=torch.bool)
        stays.scatter_(-1, places, False)
        n_rows = self.n_rows - places.shape[-1]
        # Equally many stay of each head, and nonzero goes along each in turn.
        others = stays.nonzero()[:, -1].view(*stays.shape[:-1], n_rows)
        rows = self.rows.gather(-2, _wide(others, self.buffer))
        positions = self._positions.gather(-1, others)
        if self.taken is not None:
            self.taken = self.taken.gather(-1, others)
        self.n_rows = n_rows
        self._new(n_rows + 1, rows, positions)

    def _move(self, n_places: int) -> None:
        self._new(n_places, self.rows, self._positions[..., : self.n_rows])

    def _new(self, n_places: int, rows: Tensor, positions: Tensor) -> None:
        """Move what is there to a new room."""
        shape = (*positions.shape[:-1], n_places)
        self.buffer = rows.new_empty((2, *shape, rows.shape[-1]))
        self.buffer[..., : self.n_rows, :] = rows
        self._positions = positions.new_empty(shape)
        self._positions[..., : self.n_rows] = positions
        self._show()

    def _show(self) -> None:
        for layer in self.cache_layers:
            layer.show(self.n_rows)


def _wide(places: Int64[Tensor, "layer kv_head row"], buffer: Tensor) -> Tensor:
    """Return places as an index of whole rows, keys and values alike."""
    return places[None, ..., None].expand(2, *places.shape, buffer.shape[-1])
