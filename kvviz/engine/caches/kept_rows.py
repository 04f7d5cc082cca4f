"""K/V rows of a run of which a rule lets some go after each step."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor
from transformers import Cache

from kvviz.engine.caches.protocol import FinalRows, RowsPlace, StepRows
from kvviz.engine.caches.proven_rows import proven_rows
from kvviz.engine.caches.row_room import DroppedRows, RowRoom
from kvviz.engine.caches.rule import Candidates, Rule
from kvviz.engine.observing.agreement import (
    check_cache_writes,
    check_layers,
    check_windows,
    disagreement,
)
from kvviz.engine.observing.fingerprints import RowFingerprint
from kvviz.engine.observing.observation import StepObservation
from kvviz.trace.step import NOTHING_EVICTED
from kvviz.translation import gettext as _


class KeptRows:
    """K/V rows that are computed once and kept until a rule says that they go.

    A prompt is read whole, and the rule holds from the end of it on. Rows that go are gone from the
    tensors that attention reads, head by head. A layer that sees a window of positions lets go of
    what falls out of it besides, before anything else. For the record of the run a copy is taken of
    each row when it is written and when it goes; attention never reads either.

    Args:
        rule: Which rows go.
        place: What they are rows of, and where they live.
        n_turned: First rows, which stay, whose keys are turned to stand right before the others.
    """

    def __init__(self, rule: Rule, place: RowsPlace, n_turned: int = 0) -> None:
        card, self._rule, self._place = place.card, rule, place
        groups: defaultdict[object, list[int]] = defaultdict(list)
        for layer in range(card.n_layers):
            groups[rule.group(layer), card.window(layer)].append(layer)
        self._rooms = [RowRoom(layers, place) for layers in groups.values()]
        self._room_of = {layer: room for room in self._rooms for layer in room.layers}
        self._layers = [
            self._room_of[layer].cache_layers[self._room_of[layer].layers.index(layer)]
            for layer in range(card.n_layers)
        ]
        self._cache = Cache(layers=[*self._layers])
        self._fingerprint = RowFingerprint(card.n_kv_heads, card.d_head, place.device)
        self._n_written = 0
        self._n_turned = n_turned
        self._turns = _turns(place) if n_turned else None
        # In how many heads of all layers the row of a position is there.
        self._n_live = np.zeros(place.n_positions, dtype=np.int64)
        self._taken: dict[int, Tensor] = {}
        self._fed = range(0)
        self._record: list[list[Tensor]] = [[] for _room in self._rooms]
        self._dropped: list[list[DroppedRows]] = [[] for _room in self._rooms]
        self._queries: list[Tensor] = []
        self._scales: list[float] = []

    def fed(self, n_tokens: int) -> range:
        """Return the positions that have no row yet."""
        return range(self._n_written, n_tokens)

    def arguments(self, fed: range) -> dict[str, Any]:
        """Return the cache, and what its length no longer tells: the positions."""
        self._fed = fed
        for room in self._rooms:
            room.make_ready(fed)
        arguments: dict[str, Any] = {"past_key_values": self._cache, "use_cache": True}
        if self._place.card.architecture == "decoder":
            places = torch.arange(fed.start, fed.stop, device=self._place.device)
            arguments["position_ids"] = places[None]
        if self._rule.takes_weights:
            arguments["kvviz_weighed"] = self._weighed
        return arguments

    def positions(self, layer: int) -> Int64[Tensor, "kv_head row"]:
        """Return where in the text the rows stand that attention of a layer reads at this step."""
        room = self._room_of[layer]
        return room.positions[room.layers.index(layer)]

    def _weighed(self, layer: int, weights: Tensor) -> None:
        """Let the rule take what it goes by of a layer's weights, ``1 head query row``."""
        n_kv_heads = self._place.card.n_kv_heads
        grouped = weights.view(n_kv_heads, -1, *weights.shape[-2:])
        taken = self._rule.take(grouped, self._fed)
        if taken is not None:
            self._taken[layer] = taken

    def settle(self, observation: StepObservation, fed: range) -> StepRows:
        """Compare cache, projections and attention; let go of what the rule says."""
        n_keys = self._check(observation, fed)
        reused = np.flatnonzero(self._n_live[: fed.start])
        self._n_live[fed.start : fed.stop] = len(self._layers) * self._place.card.n_kv_heads
        for record, room in zip(self._record, self._rooms, strict=True):
            record.append(room.take_in())
        self._queries.append(torch.cat([attended.query for attended in observation.attended]))
        self._scales = [attended.scaling for attended in observation.attended]
        self._n_written = fed.stop
        self._take_note()
        return StepRows(
            computed=fed,
            reused=reused,
            n_keys=n_keys,
            evicted=self._let_go(),
            cache_bytes=sum(room.n_bytes for room in self._rooms),
        )

    def _check(self, observation: StepObservation, fed: range) -> list[int]:
        """Hold the observers to each other; return how many rows each layer's attention read."""
        card = self._place.card
        n_keys = [self._room_of[layer].n_rows + len(fed) for layer in range(card.n_layers)]
        check_layers(observation, card.n_layers, self._place.n_projections, fed, n_keys)
        check_windows(observation, card, fed)
        check_cache_writes(observation, self._layers, fed)
        for attended in observation.attended:
            if len(fed) == 1 and attended.mask is not None and bool(attended.mask.any()):
                raise disagreement(attended.layer, _("A mask hid rows that are kept."), fed)
        return n_keys

    def _take_note(self) -> None:
        """Keep what the rule took of the weights beside the rows of each room."""
        taken, self._taken = self._taken, {}
        for room in self._rooms:
            if not taken:
                room.taken = None
                continue
            new = torch.stack([taken[layer] for layer in room.layers])
            if self._rule.adds_up and room.taken is not None:
                new[..., : room.taken.shape[-1]] += room.taken
            room.taken = new

    def _let_go(self) -> Int64[np.ndarray, "3 n_evicted"]:
        if self._n_written < self._place.n_prompt:
            return NOTHING_EVICTED
        gone: list[tuple[list[int], DroppedRows]] = []
        for number, room in enumerate(self._rooms):
            layer = room.layers[0]
            n_kept = min(
                self._rule.n_kept(layer, self._n_written),
                self._place.card.n_kept(layer, self._n_written),
            )
            n_gone = room.n_rows - n_kept
            if n_gone > 0:
                dropped = room.drop(self._worth_least(room, n_gone))
                self._dropped[number].append(dropped)
                gone.append((room.layers, dropped))
                if self._turns is not None:
                    # As many places on as rows behind them are gone.
                    cos, sin = self._turns[:, room.layers, room.n_written - room.n_rows]
                    room.turn_first(self._n_turned, cos, sin)
        evicted = _rows_of(gone)
        np.subtract.at(self._n_live, evicted[2], 1)
        return evicted

    def _worth_least(self, room: RowRoom, n: int) -> Int64[Tensor, "layer kv_head row"]:
        """Return where the rows of a room lie that are worth least."""
        rows = Candidates(room.layers, room.positions, room.taken, room.n_written)
        worth = self._rule.worth(rows)
        window = self._place.card.window(room.layers[0])
        if window is not None:
            # The next query does not see them, whatever they are worth.
            fallen = room.positions <= room.n_written - window
            worth = worth.masked_fill(fallen, -torch.inf)
        if n == 1:
            return worth.argmin(-1, keepdim=True)
        # Of rows that are worth the same the later ones go.
        return worth.sort(descending=True, stable=True).indices[..., -n:]

    def final(self) -> FinalRows:
        """Return the rows and hold each to the fingerprint it was written with."""
        card = self._place.card
        shape = (2, card.n_layers, card.n_kv_heads, self._n_written)
        record = self._rooms[0].buffer.new_empty((*shape, card.d_head))
        written, final = (
            torch.zeros(shape, dtype=torch.int64, device=self._place.device) for _ in range(2)
        )
        for room, parts, gone in zip(self._rooms, self._record, self._dropped, strict=True):
            rows = torch.cat(parts, dim=-2)
            record[:, room.layers] = rows
            written[:, room.layers] = self._fingerprint.by_head(rows)
            last = torch.zeros_like(written[:, room.layers])
            for positions, there in [*gone, (room.positions, room.written_rows)]:
                places = positions[None].expand(2, *positions.shape)
                last.scatter_(-1, places, self._fingerprint.by_head(there))
            final[:, room.layers] = last
        # Heads need not hold the same positions; together they make up the row of each.
        written, final = written.sum(2), final.sum(2)
        angles = None if self._turns is None else _angles(self._turns)
        return proven_rows(record, self._queries, self._scales, written, final, turn_angles=angles)


def _turns(place: RowsPlace) -> Float[Tensor, "2 layer place d_head"]:
    """Return cosines and sines of all turns of a run, from no place on."""
    places = torch.arange(place.n_positions + 1, device=place.device)
    turns: list[Tensor] = []
    for layer in range(place.card.n_layers):
        turn = place.turn and place.turn(layer, places)
        # Whoever makes room for a run has asked before whether the model turns its keys.
        assert turn
        turns.append(torch.stack([turn.cos, turn.sin]))
    return torch.stack(turns, dim=1)


def _angles(turns: Float[Tensor, "2 layer place d_head"]) -> Float64[np.ndarray, "layer pair"]:
    """Return how far each pair of numbers is turned for one place, in radians."""
    cos, sin = turns[:, :, 1, : turns.shape[-1] // 2].double().cpu().numpy()
    return np.arctan2(sin, cos)


def _rows_of(gone: Sequence[tuple[list[int], DroppedRows]]) -> Int64[np.ndarray, "3 n_evicted"]:
    """Return layer, KV head and position of rows that went, in that order."""
    parts: list[np.ndarray] = []
    for layers, dropped in gone:
        positions = dropped.positions.cpu().numpy()
        _n_layers, n_heads, n = positions.shape
        layer = np.repeat(np.array(layers, dtype=np.int64), n_heads * n)
        head = np.tile(np.repeat(np.arange(n_heads), n), len(layers))
        parts.append(np.stack([layer, head, positions.reshape(-1)]))
    if not parts:
        return NOTHING_EVICTED
    rows = np.concatenate(parts, axis=1)
    return rows if len(parts) == 1 else rows[:, np.lexsort(rows[::-1])]
