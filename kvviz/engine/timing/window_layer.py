"""One layer of the cache of a race that keeps a window of rows, in every sequence of a batch."""

from __future__ import annotations

from torch import Tensor

from kvviz.engine.caches.preallocated_layer import PreallocatedLayer


class WindowLayer(PreallocatedLayer):
    """One layer of a KV cache of which the oldest rows go, but for the first few.

    No row is moved but the newest: it takes the place of the one that goes, so that rows lie in no
    order, and a step copies one row a layer. Attention asks for no order: positions went into the
    rows before.

    Args:
        keys: Room for the key rows that a step reads, shape ``sequence head place d_head``.
        values: Room for the value rows likewise.
        n_kept: Rows that are there between two steps, sinks among them.
        n_sinks: First rows that never go.
    """

    def __init__(self, keys: Tensor, values: Tensor, n_kept: int, n_sinks: int) -> None:
        super().__init__(keys, values)
        self._n_kept, self._n_sinks = n_kept, n_sinks
        self._oldest = n_sinks

    def let_go(self) -> None:
        """Drop the rows that fall out of the window; after a prefill they may be many."""
        n_gone = self._n_rows - self._n_kept
        if n_gone <= 0:
            return
        n_recent, last = self._n_kept - self._n_sinks, self._n_rows - 1
        if n_recent and n_gone == 1:
            for room in (self._key_room, self._value_room):
                room.select(-2, self._oldest).copy_(room.select(-2, last))
            self._oldest = self._n_sinks + (self._oldest + 1 - self._n_sinks) % n_recent
        elif n_recent:
            for room in (self._key_room, self._value_room):
                # Where they go and where they lie may overlap.
                recent = room.narrow(-2, last + 1 - n_recent, n_recent).clone()
                room.narrow(-2, self._n_sinks, n_recent).copy_(recent)
        self._show(self._n_kept)
