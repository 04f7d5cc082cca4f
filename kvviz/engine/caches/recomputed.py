"""No cache: every step computes every row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch

from kvviz.engine.caches.protocol import FinalRows, RowsPlace, StepRows, to_numpy
from kvviz.engine.observing.agreement import check_layers, check_windows, largest_change
from kvviz.engine.observing.fingerprints import RowFingerprint
from kvviz.engine.observing.observation import Attended, StepObservation
from kvviz.translation import N_


@dataclass(frozen=True)
class Recomputed:
    """Keep no row."""

    name: ClassVar[str] = "recomputed"
    summary: ClassVar[str] = N_(
        "Nothing is kept: every step computes the rows of all positions again."
    )
    keeps_rows: ClassVar[bool] = False

    def rows(self, place: RowsPlace) -> RecomputedRows:
        """Prepare to watch the rows of a run."""
        return RecomputedRows(place)


class RecomputedRows:
    """K/V rows that every step computes again, since nothing is kept.

    Args:
        place: What they are rows of, and where they live.
    """

    def __init__(self, place: RowsPlace) -> None:
        card, self._place = place.card, place
        self._fingerprint = RowFingerprint(card.n_kv_heads, card.d_head, place.device)
        self._last: list[Attended] = []
        self._arguments = {"past_key_values": None, "use_cache": False}

    def fed(self, n_tokens: int) -> range:
        """Return all positions."""
        return range(n_tokens)

    def arguments(self, fed: range) -> dict[str, Any]:
        """Return that there is no cache."""
        return self._arguments

    def settle(self, observation: StepObservation, fed: range) -> StepRows:
        """Compare projections and attention; measure how far the earlier rows moved."""
        check_layers(observation, self._place.card.n_layers, self._place.n_projections, fed)
        check_windows(observation, self._place.card, fed)
        change = largest_change(observation.attended, self._last)
        self._last = observation.attended
        return StepRows(
            computed=fed, reused=range(fed.start), n_keys=fed.stop, max_row_change=change
        )

    def final(self) -> FinalRows:
        """Return the rows of the last step."""
        keys = torch.cat([attended.key for attended in self._last])
        values = torch.cat([attended.value for attended in self._last])
        fingerprints = torch.stack([self._fingerprint(rows) for rows in (keys, values)])
        return FinalRows(
            queries=to_numpy(torch.cat([attended.query for attended in self._last])),
            keys=to_numpy(keys),
            values=to_numpy(values),
            score_scale=np.array([attended.scaling for attended in self._last], dtype=np.float32),
            written_fingerprints=fingerprints.cpu().numpy(),
            final_fingerprints=fingerprints.cpu().numpy(),
        )
