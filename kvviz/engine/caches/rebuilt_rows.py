"""K/V rows of a run that are kept in another form than attention reads."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor
from transformers import Cache

from kvviz.engine.caches.protocol import FinalRows, RowsPlace, StepRows, to_numpy
from kvviz.engine.caches.proven_rows import proven_rows
from kvviz.engine.caches.rebuilt_room import RebuiltRoom, RowStore
from kvviz.engine.observing.agreement import check_cache_writes, check_layers, check_windows
from kvviz.engine.observing.fingerprints import RowFingerprint
from kvviz.engine.observing.observation import StepObservation
from kvviz.trace.packed_rows import PackedRows


class RebuiltRows:
    """K/V rows that are computed once, kept in another form, and made anew for each step.

    A prompt is read whole, and its rows take their other form after it: those of a step are read as
    they were written at that step, and as they are kept from the next one on. A layer that sees a
    window of positions lets go of what falls out of it. For the record of the run a copy is taken
    of each row when it is written, and of the first that is made anew of it.

    Args:
        place: What they are rows of, and where they live.
        store: Makes the place where the rows of some layers are kept; they see the same window.
    """

    def __init__(self, place: RowsPlace, store: Callable[[list[int]], RowStore]) -> None:
        card, self._place = place.card, place
        groups: defaultdict[int | None, list[int]] = defaultdict(list)
        for layer in range(card.n_layers):
            groups[card.window(layer)].append(layer)
        self._rooms = [RebuiltRoom(layers, place, store(layers)) for layers in groups.values()]
        of_layer = {
            layer: (room, cache_layer)
            for room in self._rooms
            for layer, cache_layer in zip(room.layers, room.cache_layers, strict=True)
        }
        self._room_of = [of_layer[layer][0] for layer in range(card.n_layers)]
        self._layers = [of_layer[layer][1] for layer in range(card.n_layers)]
        self._arguments = {"past_key_values": Cache(layers=[*self._layers]), "use_cache": True}
        self._fingerprint = RowFingerprint(card.n_kv_heads, card.d_head, place.device)
        self._n_rows = self._n_steps = 0
        self._record: list[list[Tensor]] = [[] for _room in self._rooms]
        # Of each room and part: rows as they were made anew first.
        self._images: list[tuple[list[Tensor], list[Tensor]]] = [([], []) for _ in self._rooms]
        self._n_changed = [0, 0]
        self._changed_after = np.zeros((2, place.n_positions), dtype=np.int64)
        # Of each room: where rows that went stood, and their last fingerprints.
        self._gone: list[list[tuple[range, Tensor]]] = [[] for _room in self._rooms]
        self._queries: list[Tensor] = []
        self._scales: list[float] = []

    def begin_with(self, other: RebuiltRows, n_rows: int) -> None:
        """Take the first rows of another run, which are in the store already, for rows of this one.

        Their record, and the queries that were asked there, are that run's.
        """
        for mine, theirs in zip(self._record, other._record, strict=True):
            mine.append(torch.cat(theirs, dim=-2)[..., :n_rows, :])
        self._queries.append(torch.cat(other._queries, dim=-2)[..., :n_rows, :])
        self._n_rows = n_rows
        for room in self._rooms:
            room.n_written = n_rows

    def fed(self, n_tokens: int) -> range:
        """Return the positions that have no row yet."""
        return range(self._n_rows, n_tokens)

    def arguments(self, fed: range) -> dict[str, Any]:
        """Return the cache; positions follow from how many rows it was given."""
        for room in self._rooms:
            room.make_ready(fed)
        return self._arguments

    def settle(self, observation: StepObservation, fed: range) -> StepRows:
        """Compare cache, projections and attention; let go of what falls out of the windows."""
        card = self._place.card
        n_keys = [fed.stop - room.first for room in self._room_of]
        check_layers(observation, card.n_layers, self._place.n_projections, fed, n_keys)
        check_windows(observation, card, fed)
        check_cache_writes(observation, self._layers, fed)
        first = min(room.first for room in self._rooms)
        flops = sum(room.store.flops(room.first, fed.start, len(fed)) for room in self._rooms)
        for record, room in zip(self._record, self._rooms, strict=True):
            record.append(room.take_in())
        self._queries.append(torch.cat([attended.query for attended in observation.attended]))
        self._scales = [attended.scaling for attended in observation.attended]
        self._take_images()
        self._n_rows = fed.stop
        self._n_steps += 1
        return StepRows(
            computed=fed,
            reused=range(min(first, fed.start), fed.start),
            n_keys=n_keys,
            evicted=self._let_go(),
            cache_bytes=sum(room.store.n_bytes for room in self._rooms),
            cache_flops=flops,
        )

    def _take_images(self) -> None:
        """Keep for the record what is made anew of the rows that have just changed."""
        for part, before in enumerate(self._n_changed):
            # Rooms were given the same positions, and so have changed as many.
            after = self._rooms[0].store.n_changed[part]
            if after > before:
                for images, room in zip(self._images, self._rooms, strict=True):
                    images[part].append(room.store.read(before, after)[part])
                self._changed_after[part, before:after] = self._n_steps
                self._n_changed[part] = after

    def _let_go(self) -> Int64[np.ndarray, "3 n_evicted"]:
        gone: list[tuple[int, int, int]] = []
        n_heads = self._place.card.n_kv_heads
        for last, room in zip(self._gone, self._rooms, strict=True):
            if fallen := room.fallen():
                rows = room.store.read(fallen.start, fallen.stop)
                last.append((fallen, self._fingerprint(rows)))
                room.let_go(fallen)
                gone += [
                    (layer, head, position)
                    for layer in room.layers
                    for head in range(n_heads)
                    for position in fallen
                ]
        return np.array(sorted(gone), dtype=np.int64).reshape(-1, 3).T

    def final(self) -> FinalRows:
        """Return the rows, and hold what is made anew of each to what was made of it first.

        A row that was never changed is held to the bits that were written.
        """
        card, n_rows = self._place.card, self._n_rows
        shape = (2, card.n_layers, card.n_kv_heads, n_rows, card.d_head)
        record = torch.empty(shape, dtype=self._place.dtype, device=self._place.device)
        final = torch.zeros(
            (2, card.n_layers, n_rows), dtype=torch.int64, device=self._place.device
        )
        for parts, room in zip(self._record, self._rooms, strict=True):
            record[:, room.layers] = torch.cat(parts, dim=-2)
        read = record.clone()
        for images, gone, room in zip(self._images, self._gone, self._rooms, strict=True):
            for part, n in enumerate(self._n_changed):
                if n:
                    read[part, room.layers, :, :n] = torch.cat(images[part], dim=-2)
            there = range(room.first, n_rows)
            last = (there, self._fingerprint(room.store.read(there.start, there.stop)))
            for positions, prints in [*gone, last]:
                final[:, room.layers, positions.start : positions.stop] = prints
        # Layer by layer, since the products of bits and factors take up to four times the rows.
        written = torch.stack([self._fingerprint(layer) for layer in read.unbind(1)], dim=1)
        return proven_rows(
            record, self._queries, self._scales, written, final, packed=self._packed(read)
        )

    def _packed(self, read: Float[Tensor, "2 layer kv_head position d_head"]) -> PackedRows | None:
        """Return what was read of rows that had changed; None where rows never change."""
        if not any(self._n_changed):
            return None
        changed_after = self._changed_after[:, : self._n_rows].copy()
        for part, n in enumerate(self._n_changed):
            changed_after[part, n:] = self._n_steps
        keys, values = to_numpy(read)
        return PackedRows(keys, values, changed_after)
