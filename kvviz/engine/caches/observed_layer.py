"""What any layer of a cache of ours tells of what was written to it, and of what was read."""

from __future__ import annotations

from abc import ABC

from torch import Tensor
from transformers.cache_utils import CacheLayerMixin

from kvviz.engine.observing.observation import Attended
from kvviz.errors import ObservationError
from kvviz.translation import gettext as _


class ObservedLayer(CacheLayerMixin, ABC):
    """One layer of a cache, which the observers ask what a forward pass did to it.

    Attributes:
        keys: The key rows that are there, shape ``1 kv_head row d_head``.
        values: The value rows likewise.
        writes: Positions written by each update since `take_writes`.
    """

    keys: Tensor
    values: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.is_initialized = True
        self.writes: list[range] = []

    def take_writes(self) -> list[range]:
        """Return the positions written since the last call."""
        writes, self.writes = self.writes, []
        return writes

    def is_read_by(self, attended: Attended) -> bool:
        """Return whether an attention read this very memory, not a copy of it."""
        return (
            attended.key.data_ptr() == self.keys.data_ptr()
            and attended.value.data_ptr() == self.values.data_ptr()
        )

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        """Do nothing: the layer knows its dtype and device from the start."""

    def get_max_length(self) -> int:
        """Return -1: a text may be of any length."""
        return -1

    def check_room(self, fed: range, n_rows: int) -> None:
        """Hold an update to the positions that were made ready for, once between two takings.

        Args:
            fed: These positions.
            n_rows: Rows that the model writes.

        Raises:
            ObservationError: If they are others.
        """
        if n_rows != len(fed) or self.writes:
            raise ObservationError(
                _("The model writes more rows than the run can have."),
                found=_("It writes {n} where there is room for {room}.").format(
                    n=n_rows, room=0 if self.writes else len(fed)
                ),
            )
