"""Rows of layers that keep equally many, made anew for each step from what is kept of them."""

from __future__ import annotations

from typing import Any, Protocol

import torch
from jaxtyping import Float
from torch import Tensor

from kvviz.engine.caches.observed_layer import ObservedLayer
from kvviz.engine.caches.protocol import RowsPlace


class RowStore(Protocol):
    """What is kept of the rows of some layers, in another form than attention reads."""

    @property
    def n_bytes(self) -> int:
        """Bytes of the tensors that hold what is kept."""
        ...

    @property
    def n_changed(self) -> tuple[int, int]:
        """How many positions, from the first on, have K and V rows that are read as changed."""
        ...

    def flops(self, start: int, stop: int, n_new: int) -> int:
        """Count the operations of products that a step takes which reads some rows and adds others.

        What is done number by number is left out, as it is of the model.
        """
        ...

    def add(self, rows: Float[Tensor, "2 layer kv_head row d_head"]) -> None:
        """Take in the rows of the next positions, keys ([0]) and values ([1])."""
        ...

    def read(self, start: int, stop: int) -> Float[Tensor, "2 layer kv_head row d_head"]:
        """Return the rows of some positions that are there, as attention reads them.

        Their bits must not depend on which others are asked for with them.
        """
        ...

    def let_go(self, first: int) -> None:
        """Let go of what is kept of the positions before one."""
        ...


class RebuiltLayer(ObservedLayer):
    """One layer of a cache whose rows are made anew, with those of other layers, at each step.

    Attributes:
        keys: The key rows that attention read last; none between two steps.
        values: The value rows likewise.
        writes: Positions written by each update since `take_writes`.
    """

    def __init__(self, room: RebuiltRoom, place: int, *, is_sliding: bool) -> None:
        super().__init__()
        self._room, self._place = room, place
        # Masks of layers with a window are made by the first that says so.
        self.is_sliding = is_sliding

    def update(
        self, key_states: Tensor, value_states: Tensor, *_rest: Any, **_named: Any
    ) -> tuple[Tensor, Tensor]:
        """Write new rows behind those that are made anew and return all of them.

        Raises:
            ObservationError: If they are not as many as the room was made ready for.
        """
        fed = self._room.fed
        self.check_room(fed, key_states.shape[-2])
        self.writes.append(fed)
        self.keys, self.values = self._room.write(self._place, key_states[0], value_states[0])
        return self.keys, self.values

    def get_seq_length(self) -> int:
        """Return how many rows have been written, those that were let go of among them."""
        return self._room.n_written

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """Return how many keys a forward pass will see, and the position of the first."""
        room = self._room
        return room.n_written - room.first + query_length, room.first


class RebuiltRoom:
    """The rows that attention reads at a step, of layers that keep equally many.

    The first layer that is written to has the rows of all made anew, and the last has the new ones
    taken in: both is work of the step, and is timed with it. Between two steps there is nothing but
    what the store keeps.

    Args:
        layers: Which layers, ascending.
        place: What the rows are rows of, and where they live.
        store: What is kept of them.

    Attributes:
        layers: As given.
        store: As given.
        window: How many positions a query of these layers sees, or None for all.
        first: Position of the first row that is there.
        n_written: Rows that have been written, those that are gone among them.
        fed: Positions that the room was made ready for.
        cache_layers: What a model writes to, one a layer.
    """

    def __init__(self, layers: list[int], place: RowsPlace, store: RowStore) -> None:
        card = place.card
        self.layers, self.store = layers, store
        self.window = card.window(layers[0])
        self._options: dict[str, Any] = {"dtype": place.dtype, "device": place.device}
        self._shape = (2, len(layers), card.n_kv_heads)
        self._d_head = card.d_head
        self.first = self.n_written = 0
        self.fed = range(0)
        self._rows: Tensor | None = None
        self._n_layers_written = 0
        self.cache_layers = [
            RebuiltLayer(self, number, is_sliding=self.window is not None)
            for number in range(len(layers))
        ]
        self._close()

    def make_ready(self, fed: range) -> None:
        """Expect the rows of these positions from the next pass."""
        self.fed = fed
        self._rows, self._n_layers_written = None, 0

    def write(self, place: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Write a layer's new rows, shape ``kv_head row d_head``; return all that it reads."""
        n_old = self.n_written - self.first
        if self._rows is None:
            n_rows = n_old + len(self.fed)
            self._rows = torch.empty((*self._shape, n_rows, self._d_head), **self._options)
            if n_old:
                self._rows[..., :n_old, :] = self.store.read(self.first, self.n_written)
        # Sliced, not selected, so that the axis of the text is there.
        rows = self._rows[:, place : place + 1]
        rows[0, 0, :, n_old:] = keys
        rows[1, 0, :, n_old:] = values
        self._n_layers_written += 1
        if self._n_layers_written == len(self.layers):
            self.store.add(self._rows[..., n_old:, :])
        return rows[0], rows[1]

    def take_in(self) -> Float[Tensor, "2 layer kv_head position d_head"]:
        """Count the rows that have been written as there; return a copy of them.

        What was made anew is of its step alone, and goes.
        """
        assert self._rows is not None
        new = self._rows[..., self.n_written - self.first :, :].clone()
        self.n_written = self.fed.stop
        self.fed = range(0)
        self._rows = None
        self._close()
        return new

    def fallen(self) -> range:
        """Return the positions that are there, and that no later query sees."""
        if self.window is None:
            return range(0)
        return range(self.first, max(self.first, self.n_written - (self.window - 1)))

    def let_go(self, fallen: range) -> None:
        """Let go of the first rows that are there."""
        self.first = max(self.first, fallen.stop)
        self.store.let_go(self.first)

    def _close(self) -> None:
        nothing = torch.empty((2, 1, self._shape[-1], 0, self._d_head), **self._options)
        for layer in self.cache_layers:
            layer.keys, layer.values = nothing
