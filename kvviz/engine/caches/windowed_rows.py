"""K/V rows of a model some of whose layers see a window: those layers keep no more than it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor
from transformers import Cache

from kvviz.engine.caches.preallocated_layer import PreallocatedLayer
from kvviz.engine.caches.protocol import FinalRows, RowsPlace, StepRows
from kvviz.engine.caches.proven_rows import proven_rows
from kvviz.engine.caches.windowed_layer import WindowedLayer
from kvviz.engine.observing.agreement import (
    check_cache_writes,
    check_layers,
    check_windows,
)
from kvviz.engine.observing.fingerprints import RowFingerprint
from kvviz.engine.observing.observation import StepObservation


class WindowedRows:
    """K/V rows that are computed once and kept for as long as a later query of the layer sees them.

    A copy of each row is taken when it is written, for the record of the run; attention never reads
    it. The last fingerprint of a row is taken of the cache itself, when it is dropped, or at the
    end.

    Args:
        place: What they are rows of, and where they live.
    """

    def __init__(self, place: RowsPlace) -> None:
        card, self._place = place.card, place
        options: dict[str, Any] = {"dtype": place.dtype, "device": place.device}
        self._layers: list[PreallocatedLayer | WindowedLayer] = []
        for layer in range(card.n_layers):
            window = card.window(layer)
            n_places = place.n_positions if window is None else 0
            keys, values = torch.empty((2, 1, card.n_kv_heads, n_places, card.d_head), **options)
            self._layers.append(
                PreallocatedLayer(keys, values)
                if window is None
                else WindowedLayer(keys, values, window)
            )
        self._arguments = {"past_key_values": Cache(layers=[*self._layers]), "use_cache": True}
        self._fingerprint = RowFingerprint(card.n_kv_heads, card.d_head, place.device)
        self._record: list[Tensor] = []
        self._written: list[Tensor] = []
        self._final = torch.empty(
            (2, card.n_layers, place.n_positions), dtype=torch.int64, device=place.device
        )
        self._queries: list[Tensor] = []
        self._scales: list[float] = []

    def fed(self, n_tokens: int) -> range:
        """Return the positions that have no row yet."""
        return range(self._layers[0].get_seq_length(), n_tokens)

    def arguments(self, fed: range) -> dict[str, Any]:
        """Return the cache; positions follow from how many rows it was given."""
        return self._arguments

    def settle(self, observation: StepObservation, fed: range) -> StepRows:
        """Compare cache, projections and attention; let go of what falls out of the windows."""
        card = self._place.card
        firsts = [_first(layer) for layer in self._layers]
        n_keys = [fed.stop - first for first in firsts]
        check_layers(observation, card.n_layers, self._place.n_projections, fed, n_keys)
        check_windows(observation, card, fed)
        check_cache_writes(observation, self._layers, fed)
        new = torch.stack(
            [torch.cat(_rows_at(layer, fed)) for layer in self._layers], dim=1
        )  # 2 layer kv_head position d_head
        self._record.append(new)
        self._written.append(self._fingerprint(new))
        self._queries.append(torch.cat([attended.query for attended in observation.attended]))
        self._scales = [attended.scaling for attended in observation.attended]
        return StepRows(
            computed=fed,
            reused=range(min(*firsts, fed.start), fed.start),
            n_keys=fed.stop,
            evicted=self._let_go(),
            cache_bytes=sum(layer.keys.nbytes + layer.values.nbytes for layer in self._layers),
        )

    def _let_go(self) -> Int64[np.ndarray, "3 n_evicted"]:
        gone: list[tuple[int, int, int]] = []
        for number, layer in enumerate(self._layers):
            if isinstance(layer, WindowedLayer):
                first, rows = layer.first, (layer.keys, layer.values)
                dropped = layer.let_go()
                if dropped:
                    places = slice(dropped.start - first, dropped.stop - first)
                    last = torch.cat([part[..., places, :] for part in rows])
                    self._final[:, number, dropped.start : dropped.stop] = self._fingerprint(last)
                gone += [
                    (number, head, position)
                    for head in range(self._place.card.n_kv_heads)
                    for position in dropped
                ]
        return np.array(gone, dtype=np.int64).reshape(-1, 3).T

    def final(self) -> FinalRows:
        """Return the rows and hold each to the fingerprint it was written with."""
        record, written = torch.cat(self._record, dim=-2), torch.cat(self._written, dim=-1)
        n_rows = written.shape[-1]
        for number, layer in enumerate(self._layers):
            there = range(_first(layer), n_rows)
            rows = torch.cat(_rows_at(layer, there))
            self._final[:, number, there.start : there.stop] = self._fingerprint(rows)
        final = self._final[..., :n_rows]
        return proven_rows(record, self._queries, self._scales, written, final)


def _first(layer: PreallocatedLayer | WindowedLayer) -> int:
    return layer.first if isinstance(layer, WindowedLayer) else 0


def _rows_at(layer: PreallocatedLayer | WindowedLayer, positions: range) -> tuple[Tensor, Tensor]:
    """Return the key and the value rows of some positions that are there."""
    start = positions.start - _first(layer)
    keys, values = (rows.narrow(-2, start, len(positions)) for rows in (layer.keys, layer.values))
    return keys, values
