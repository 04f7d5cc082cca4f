"""Rows that a cache kept in fewer bits or numbers: what was read in place of what was written."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64

from kvviz.errors import TraceError
from kvviz.trace.arrays import checked_array
from kvviz.trace.model_card import ModelCard
from kvviz.translation import gettext as _


@dataclass(frozen=True, eq=False)
class PackedRows:
    """Rows as attention read them once they were packed; those never packed as they were written.

    Attributes:
        keys: Key rows, unpacked.
        values: Value rows, unpacked.
        packed_after: The last step that read the K row ([0]) or V row ([1]) of a position as it was
            written; the number of steps for one that was never packed. Packing is the same in all
            layers and heads.
    """

    keys: Float32[np.ndarray, "layer kv_head position d_head"]
    values: Float32[np.ndarray, "layer kv_head position d_head"]
    packed_after: Int64[np.ndarray, "2 position"]

    def check(self, card: ModelCard, n_rows: int, n_steps: int) -> None:
        """Hold the rows to a run of a model.

        Raises:
            TraceError: If a dtype or shape is another, a number is not finite, or a row is packed
                at no step of the run.
        """
        shape = (card.n_layers, card.n_kv_heads, n_rows, card.d_head)
        for name in ("keys", "values"):
            checked_array(getattr(self, name), f"packed {name}", np.float32, shape=shape)
        checked_array(self.packed_after, "packed_after", np.int64, shape=(2, n_rows))
        if self.packed_after.min() < 0 or self.packed_after.max() > n_steps:
            raise TraceError(
                _("A row is packed after a step of the run, or never."),
                found=_("One is packed after step {step} of {n}.").format(
                    step=int(self.packed_after.max()), n=n_steps
                ),
            )

    def is_read_packed(self, step: int) -> Bool[np.ndarray, " position"]:
        """Return which rows a step reads by what is kept of their key or of their value."""
        return self.packed_after.min(axis=0) < step

    def is_read_by(self, steps: Int64[np.ndarray, " query"], part: int) -> np.ndarray:
        """Return which rows queries of these steps read unpacked, shape ``query position``.

        Args:
            steps: At which step each query asked.
            part: 0 for keys, 1 for values.
        """
        return self.packed_after[part] < steps[:, None]


def how_far_off(
    read: Float32[np.ndarray, "... d_head"], written: Float32[np.ndarray, "... d_head"]
) -> Float64[np.ndarray, "..."]:
    """Return the length of each row's error, in lengths of the row as it was written.

    0 where both are nothing.
    """
    error = np.linalg.norm(read.astype(np.float64) - written, axis=-1)
    length = np.linalg.norm(written.astype(np.float64), axis=-1)
    return np.divide(error, length, out=np.where(error > 0, np.inf, 0.0), where=length > 0)
