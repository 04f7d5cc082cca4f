"""The ordinary KV cache: every row is computed once and kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor
from transformers import Cache

from kvviz.engine.caches.preallocated_layer import PreallocatedLayer
from kvviz.engine.caches.protocol import FinalRows, RowsPlace, StepRows
from kvviz.engine.caches.proven_rows import proven_rows
from kvviz.engine.caches.windowed_rows import WindowedRows
from kvviz.engine.observing.agreement import check_cache_writes, check_layers
from kvviz.engine.observing.fingerprints import RowFingerprint
from kvviz.engine.observing.observation import StepObservation
from kvviz.translation import N_


@dataclass(frozen=True)
class Full:
    """Keep the row of every position, as long as a query to come could see it.

    That is for good, but in a layer that sees a window of positions: there a row goes when it has
    fallen out of it, as the model itself was made to forget it.
    """

    name: ClassVar[str] = "full"
    summary: ClassVar[str] = N_("Every row is computed once, kept, and read at every later step.")
    keeps_rows: ClassVar[bool] = True

    def rows(self, place: RowsPlace) -> FullRows | WindowedRows:
        """Make room for the rows of a run."""
        return WindowedRows(place) if place.card.windows else FullRows(place)


class FullRows:
    """K/V rows that are computed once, kept in one buffer, and read ever after.

    Args:
        place: What they are rows of, and where they live.
    """

    def __init__(self, place: RowsPlace) -> None:
        card, self._place = place.card, place
        shape = (2, card.n_layers, card.n_kv_heads, place.n_positions, card.d_head)
        self._buffer = torch.empty(shape, dtype=place.dtype, device=place.device)
        shared = place.shared
        n_shared = 0 if shared is None else shared.n_rows
        self._layers = [
            PreallocatedLayer(keys[None], values[None], n_shared)
            for keys, values in self._buffer.unbind(1)
        ]
        cache = Cache(layers=[*self._layers])
        self._arguments = {"past_key_values": cache, "use_cache": True}
        self._fingerprint = RowFingerprint(card.n_kv_heads, card.d_head, place.device)
        self._written: list[Tensor] = []
        self._queries: list[Tensor] = []
        self._scales: list[float] = []
        if shared is not None:
            rows = torch.from_numpy(np.stack([shared.keys, shared.values]))
            self._buffer.narrow(-2, 0, n_shared).copy_(rows)
            # They are held to what was written of them in the other run.
            self._written.append(torch.from_numpy(shared.fingerprints).to(place.device))
            queries = torch.from_numpy(shared.queries)
            self._queries.append(queries.to(place.device, place.dtype))

    def fed(self, n_tokens: int) -> range:
        """Return the positions that have no row yet."""
        return range(self._layers[0].get_seq_length(), n_tokens)

    def arguments(self, fed: range) -> dict[str, Any]:
        """Return the cache; positions follow from its length."""
        return self._arguments

    def settle(self, observation: StepObservation, fed: range) -> StepRows:
        """Compare cache, projections and attention; fingerprint the rows that were written."""
        check_layers(observation, self._place.card.n_layers, self._place.n_projections, fed)
        check_cache_writes(observation, self._layers, fed)
        self._written.append(self._fingerprint(self._buffer.narrow(-2, fed.start, len(fed))))
        self._queries.append(torch.cat([attended.query for attended in observation.attended]))
        self._scales = [attended.scaling for attended in observation.attended]
        return StepRows(
            computed=fed,
            reused=range(fed.start),
            n_keys=fed.stop,
            cache_bytes=self.n_bytes,
        )

    @property
    def n_bytes(self) -> int:
        """Bytes of the rows that are there."""
        return sum(layer.keys.nbytes + layer.values.nbytes for layer in self._layers)

    def take_back(self, n_rows: int) -> range:
        """Drop the rows behind so many first ones from every layer, and return which they were.

        No record is kept of them: their positions have no row yet, and the next pass writes other
        ones there.
        """
        taken = range(n_rows, self._layers[0].get_seq_length())
        for layer in self._layers:
            layer.take_back(n_rows)
        for parts, axis in ((self._written, -1), (self._queries, -2)):
            n_gone = len(taken)
            while n_gone:
                last = parts.pop()
                n = last.shape[axis]
                if n > n_gone:
                    parts.append(last.narrow(axis, 0, n - n_gone))
                n_gone -= min(n, n_gone)
        return taken

    def final(self) -> FinalRows:
        """Return the rows and hold each to the fingerprint it was written with."""
        written = torch.cat(self._written, dim=-1)
        rows = self._buffer.narrow(-2, 0, written.shape[-1])
        # Layer by layer, since the products of bits and factors take up to four times the rows.
        final = torch.stack([self._fingerprint(layer) for layer in rows.unbind(1)], dim=1)
        return proven_rows(rows, self._queries, self._scales, written, final)
