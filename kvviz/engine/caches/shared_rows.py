"""Rows of a text's beginning that another run has computed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int64


@dataclass(frozen=True, eq=False)
class SharedRows:
    """K/V rows that a run begins with, as the trace of the run that computed them keeps them.

    Attributes:
        keys: Key rows of the first positions.
        values: Value rows likewise.
        queries: Query rows likewise. No query asks twice, so that nothing reads them any more; they
            are what the record of the new run says of these positions.
        fingerprints: Of each key row ([0]) and value row ([1]), taken when it was written.
    """

    keys: Float32[np.ndarray, "layer kv_head position d_head"]
    values: Float32[np.ndarray, "layer kv_head position d_head"]
    queries: Float32[np.ndarray, "layer head position d_head"]
    fingerprints: Int64[np.ndarray, "2 layer position"]

    @property
    def n_rows(self) -> int:
        """How many positions they are of."""
        return self.keys.shape[-2]
