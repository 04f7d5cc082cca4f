"""The rows of a run, once each is held to the fingerprint that it was written with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from kvviz.engine.caches.protocol import FinalRows, to_numpy
from kvviz.engine.observing.fingerprints import changed_rows
from kvviz.errors import ObservationError


def proven_rows(
    rows: Float[Tensor, "2 layer kv_head position d_head"],
    queries: Sequence[Float[Tensor, "layer head fed d_head"]],
    scales: Sequence[float],
    written: Int64[Tensor, "2 layer position"],
    final: Int64[Tensor, "2 layer position"],
    **more: Any,
) -> FinalRows:
    """Return the rows of a whole run as a trace keeps them.

    Args:
        rows: Keys and values as they were written, those that were dropped among them.
        queries: Of each step, in order.
        scales: What the scores of each layer were multiplied by.
        written: Fingerprints that were taken when rows were written.
        final: Those that were taken of the cache at the end, or when a row was dropped.
        more: Other fields of `FinalRows`.

    Raises:
        ObservationError: If a row is not the one that was written.
    """
    if changed := changed_rows(written, final):
        raise ObservationError(changed[0], found=changed[1])
    keys, values = to_numpy(rows)
    return FinalRows(
        queries=to_numpy(torch.cat([*queries], dim=-2)),
        keys=keys,
        values=values,
        score_scale=np.array(scales, dtype=np.float32),
        written_fingerprints=written.cpu().numpy().copy(),
        final_fingerprints=final.cpu().numpy().copy(),
        **more,
    )
