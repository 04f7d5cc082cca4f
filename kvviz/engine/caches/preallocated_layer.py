"""One layer of a cache that never moves a row."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from kvviz.engine.caches.observed_layer import ObservedLayer
from kvviz.errors import ObservationError
from kvviz.translation import gettext as _
from kvviz.translation import ngettext


class PreallocatedLayer(ObservedLayer):
    """One layer of a KV cache that writes into its place in a buffer and never moves a row.

    Args:
        keys: Room for all key rows, shape ``1 head position d_head``.
        values: Room for all value rows likewise.
        n_rows: How many rows are filled already.

    Attributes:
        keys: The key rows that are filled.
        values: The value rows that are filled.
        writes: Positions written by each update since `take_writes`.
    """

    def __init__(self, keys: Tensor, values: Tensor, n_rows: int = 0) -> None:
        super().__init__()
        self._key_room, self._value_room = keys, values
        self._show(n_rows)

    def update(
        self, key_states: Tensor, value_states: Tensor, *_rest: Any, **_named: Any
    ) -> tuple[Tensor, Tensor]:
        """Write new rows behind the others and return all of them.

        Raises:
            ObservationError: If there is no room for them.
        """
        start, n_new = self._n_rows, key_states.shape[-2]
        if start + n_new > self.get_max_length():
            raise ObservationError(
                _("The model writes more rows than the run can have."),
                found=ngettext(
                    "There is room for {room}, and {n} is filled.",
                    "There is room for {room}, and {n} are filled.",
                    start,
                ).format(room=self.get_max_length(), n=start),
            )
        self._key_room.narrow(-2, start, n_new).copy_(key_states)
        self._value_room.narrow(-2, start, n_new).copy_(value_states)
        self.writes.append(range(start, start + n_new))
        return self._show(start + n_new)

    def take_back(self, n_rows: int) -> None:
        """Leave only so many first rows; in the place of the others there are no numbers left."""
        for room in (self._key_room, self._value_room):
            # Whatever read there from now on would spoil every logit.
            room.narrow(-2, n_rows, self._n_rows - n_rows).fill_(torch.nan)
        self._show(n_rows)

    def _show(self, n_rows: int) -> tuple[Tensor, Tensor]:
        self._n_rows = n_rows
        self.keys = self._key_room.narrow(-2, 0, n_rows)
        self.values = self._value_room.narrow(-2, 0, n_rows)
        return self.keys, self.values

    def get_seq_length(self) -> int:
        """Return how many rows are filled."""
        return self._n_rows

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """Return how many keys a forward pass will see, and the position of the first."""
        return self._n_rows + query_length, 0

    def get_max_length(self) -> int:
        """Return how many rows there is room for."""
        return self._key_room.shape[-2]
