"""One layer of a cache that keeps a window of rows and lets go of those that fall out of it."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from kvviz.engine.caches.observed_layer import ObservedLayer


class WindowedLayer(ObservedLayer):
    """One layer of a KV cache whose queries see so many positions, their own among them.

    During a step `keys` and `values` are what its attention reads: the rows that are kept, and the
    new ones behind them. `let_go` then drops what no later query sees. Rows lie one behind the
    other in a room of twice the window; when it is full the kept ones move to the front of a new
    one, so that a row is moved once in as many steps as the window is wide. A prefill that is
    longer gets a room for its step alone.

    Args:
        keys: No rows yet: shape ``1 head 0 d_head``, of the cache's dtype and device.
        values: Likewise.
        window: Positions that a query sees, at least 1.

    Attributes:
        keys: The key rows that are there.
        values: The value rows that are there.
        first: Position of the first of them.
        writes: Positions written by each update since `take_writes`.
    """

    is_sliding = True

    def __init__(self, keys: Tensor, values: Tensor, window: int) -> None:
        super().__init__()
        self._window = window
        self._room = (keys, values)
        self._start = self._n_rows = self.first = 0
        self._show()

    def update(
        self, key_states: Tensor, value_states: Tensor, *_rest: Any, **_named: Any
    ) -> tuple[Tensor, Tensor]:
        """Write new rows behind those that are kept and return all that are there."""
        n_new, n_seen = key_states.shape[-2], self.get_seq_length()
        if self._start + self._n_rows + n_new > self._room[0].shape[-2]:
            self._move(max(2 * self._window, self._n_rows + n_new))
        end = self._start + self._n_rows
        for room, rows in zip(self._room, (key_states, value_states), strict=True):
            room.narrow(-2, end, n_new).copy_(rows)
        self._n_rows += n_new
        self.writes.append(range(n_seen, n_seen + n_new))
        return self._show()

    def let_go(self) -> range:
        """Drop the rows that no later query sees; return their positions."""
        n_gone = max(0, self._n_rows - (self._window - 1))
        gone = range(self.first, self.first + n_gone)
        self._start += n_gone
        self._n_rows -= n_gone
        self.first += n_gone
        if self._room[0].shape[-2] > 2 * self._window:
            self._move(2 * self._window)
        self._show()
        return gone

    def _move(self, n_places: int) -> None:
        """Move the rows that are there to the front of a new room."""
        self._show()
        keys, values = (
            rows.new_empty((*rows.shape[:-2], n_places, rows.shape[-1]))
            for rows in (self.keys, self.values)
        )
        for room, rows in ((keys, self.keys), (values, self.values)):
            room.narrow(-2, 0, self._n_rows).copy_(rows)
        self._room, self._start = (keys, values), 0

    def _show(self) -> tuple[Tensor, Tensor]:
        keys, values = self._room
        self.keys = keys.narrow(-2, self._start, self._n_rows)
        self.values = values.narrow(-2, self._start, self._n_rows)
        return self.keys, self.values

    def get_seq_length(self) -> int:
        """Return how many rows have been written, those that were let go of among them."""
        return self.first + self._n_rows

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """Return how many keys a forward pass will see, and the position of the first."""
        return self._n_rows + query_length, self.first
