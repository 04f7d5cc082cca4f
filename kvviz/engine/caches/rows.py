"""The K/V rows of a run, with the cache and without, and what was observed of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from jaxtyping import Float32, Int64
from torch import Tensor
from transformers import Cache
from transformers.cache_utils import CacheLayerMixin

from kvviz.engine.observing.fingerprints import RowFingerprint
from kvviz.engine.observing.observation import Attended, StepObservation
from kvviz.errors import ObservationError
from kvviz.trace import CrossAttention, ModelCard


@dataclass(frozen=True)
class StepRows:
    """What the observers agree on for one step.

    Attributes:
        computed: Positions whose rows were computed.
        reused: Positions whose rows were read and not computed.
        cache_bytes: Bytes of the tensors that hold the rows.
        max_row_change: How far rows that were computed again moved.
        cross_computed: Encoder positions whose cross-attention rows were computed.
        cross_reused: Those whose rows were read and not computed.
    """

    computed: range
    reused: range
    cache_bytes: int = 0
    max_row_change: float = 0.0
    cross_computed: range = range(0)
    cross_reused: range = range(0)


@dataclass(frozen=True, eq=False)
class FinalRows:
    """The rows of a whole run, as `kvviz.trace.GenerationTrace` keeps them."""

    queries: Float32[np.ndarray, "layer head position d_head"]
    keys: Float32[np.ndarray, "layer kv_head position d_head"]
    values: Float32[np.ndarray, "layer kv_head position d_head"]
    score_scale: Float32[np.ndarray, " layer"]
    written_fingerprints: Int64[np.ndarray, "2 layer position"]
    final_fingerprints: Int64[np.ndarray, "2 layer position"]
    position_bias: Float32[np.ndarray, "head query key"] | None = None
    cross: CrossAttention | None = None


class Rows(Protocol):
    """Where a run keeps its K/V rows."""

    @property
    def n_kept(self) -> int:
        """Rows that the next step can read instead of computing them."""
        ...

    @property
    def arguments(self) -> dict[str, Any]:
        """Arguments of the model's forward pass."""
        ...

    def settle(self, observation: StepObservation, fed: range) -> StepRows:
        """Compare the observers after a step that fed these positions; keep what it computed.

        Raises:
            ObservationError: If they disagree.
        """
        ...

    def final(self) -> FinalRows:
        """Return the rows after the last step.

        Raises:
            ObservationError: If a row is not the one that was written.
        """
        ...


class PreallocatedLayer(CacheLayerMixin):
    """One layer of a KV cache that writes into its place in a buffer and never moves a row.

    Args:
        keys: Room for all key rows, shape ``1 head position d_head``.
        values: Room for all value rows likewise.

    Attributes:
        keys: The key rows that are filled.
        values: The value rows that are filled.
        writes: Positions written by each update since `take_writes`.
    """

    keys: Tensor
    values: Tensor

    def __init__(self, keys: Tensor, values: Tensor) -> None:
        super().__init__()
        self._key_room, self._value_room = keys, values
        self.is_initialized = True
        self.writes: list[range] = []
        self._show(0)

    def update(
        self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any
    ) -> tuple[Tensor, Tensor]:
        """Write new rows behind the others and return all of them.

        Raises:
            ObservationError: If there is no room for them.
        """
        start, n_new = self._n_rows, key_states.shape[-2]
        if start + n_new > self.get_max_length():
            raise ObservationError(
                "The model writes more rows than the run can have.",
                found=f"There is room for {self.get_max_length()}, and {start} are filled.",
            )
        self._key_room.narrow(-2, start, n_new).copy_(key_states)
        self._value_room.narrow(-2, start, n_new).copy_(value_states)
        self.writes.append(range(start, start + n_new))
        return self._show(start + n_new)

    def _show(self, n_rows: int) -> tuple[Tensor, Tensor]:
        self._n_rows = n_rows
        self.keys = self._key_room.narrow(-2, 0, n_rows)
        self.values = self._value_room.narrow(-2, 0, n_rows)
        return self.keys, self.values

    def take_writes(self) -> list[range]:
        """Return the positions written since the last call."""
        writes, self.writes = self.writes, []
        return writes

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        """Do nothing: the room is there from the start."""

    def get_seq_length(self) -> int:
        """Return how many rows are filled."""
        return self._n_rows

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """Return how many keys a forward pass will see, and the position of the first."""
        return self._n_rows + query_length, 0

    def get_max_length(self) -> int:
        """Return how many rows there is room for."""
        return self._key_room.shape[-2]


class CachedRows:
    """K/V rows that are computed once, kept in one buffer, and read ever after.

    Args:
        card: The model's shape.
        n_positions: Most rows that the run can write.
        dtype: Number format of the rows.
        device: Where they live.
    """

    def __init__(
        self, card: ModelCard, n_positions: int, dtype: torch.dtype, device: torch.device
    ) -> None:
        self._card = card
        shape = (2, card.n_layers, card.n_kv_heads, n_positions, card.d_head)
        self._buffer = torch.empty(shape, dtype=dtype, device=device)
        self._layers = [
            PreallocatedLayer(keys[None], values[None]) for keys, values in self._buffer.unbind(1)
        ]
        self.cache = Cache(layers=[*self._layers])
        self.arguments = {"past_key_values": self.cache, "use_cache": True}
        self._fingerprint = RowFingerprint(card.n_kv_heads, card.d_head, device)
        self._written: list[Tensor] = []
        self._queries: list[Tensor] = []
        self._scales: list[float] = []

    @property
    def n_kept(self) -> int:
        """Rows in the cache."""
        return self._layers[0].get_seq_length()

    def settle(self, observation: StepObservation, fed: range) -> StepRows:
        """Compare cache, projections and attention; fingerprint the rows that were written."""
        _check_layers(observation, self._card, fed)
        for number, (layer, attended) in enumerate(
            zip(self._layers, observation.attended, strict=True)
        ):
            writes = layer.take_writes()
            if writes != [fed]:
                wrote = ", ".join(map(position_text, writes)) or "nothing"
                raise disagreement(number, f"the cache wrote {wrote}", fed)
            if not reads_from(layer, attended):
                raise disagreement(number, "attention read other rows than the cache's", fed)
        self._written.append(self._fingerprint(self._buffer.narrow(-2, fed.start, len(fed))))
        self._queries.append(torch.cat([attended.query for attended in observation.attended]))
        self._scales = [attended.scaling for attended in observation.attended]
        return StepRows(
            computed=fed,
            reused=range(fed.start),
            cache_bytes=sum(layer.keys.nbytes + layer.values.nbytes for layer in self._layers),
        )

    def final(self) -> FinalRows:
        """Return the rows and hold each to the fingerprint it was written with."""
        written = torch.cat(self._written, dim=-1)
        rows = self._buffer.narrow(-2, 0, written.shape[-1])
        # Layer by layer, since the products of bits and factors take up to four times the rows.
        final = torch.stack([self._fingerprint(layer) for layer in rows.unbind(1)], dim=1)
        if changed := changed_rows(written, final):
            raise ObservationError(changed[0], found=changed[1])
        keys, values = to_numpy(rows)
        return FinalRows(
            queries=to_numpy(torch.cat(self._queries, dim=-2)),
            keys=keys,
            values=values,
            score_scale=np.array(self._scales, dtype=np.float32),
            written_fingerprints=written.cpu().numpy(),
            final_fingerprints=final.cpu().numpy(),
        )


class RecomputedRows:
    """K/V rows that every step computes again, since nothing is kept.

    Args:
        card: The model's shape.
        device: Where the rows live.
    """

    n_kept = 0

    def __init__(self, card: ModelCard, device: torch.device) -> None:
        self._card = card
        self._fingerprint = RowFingerprint(card.n_kv_heads, card.d_head, device)
        self._last: list[Attended] = []
        self.arguments = {"past_key_values": None, "use_cache": False}

    def settle(self, observation: StepObservation, fed: range) -> StepRows:
        """Compare projections and attention; measure how far the earlier rows moved."""
        _check_layers(observation, self._card, fed)
        change = largest_change(observation.attended, self._last)
        self._last = observation.attended
        return StepRows(computed=fed, reused=range(fed.start), max_row_change=change)

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


def _check_layers(observation: StepObservation, card: ModelCard, fed: range) -> None:
    """Hold projections and attention to the positions that were fed, layer by layer."""
    n_layers = card.n_layers
    if observation.projected != expected_projections(card, n_layers, len(fed)):
        seen = ", ".join(f"{rows} in layer {layer}" for layer, rows in observation.projected)
        raise disagreement(None, f"rows were projected: {seen or 'none'}", fed)
    if [attended.layer for attended in observation.attended] != list(range(n_layers)):
        raise disagreement(None, f"{len(observation.attended)} layers attended", fed)
    for attended in observation.attended:
        rows = (attended.query.shape[-2], attended.key.shape[-2], attended.value.shape[-2])
        if rows != (len(fed), fed.stop, fed.stop):
            seen = "attention saw {} queries, {} keys and {} values".format(*rows)
            raise disagreement(attended.layer, seen, fed)


def expected_projections(card: ModelCard, n_layers: int, n_rows: int) -> list[tuple[int, int]]:
    """Return what K/V projections report of a pass over so many rows.

    A GPT-2 projects queries, keys and values in one product, the others keys and values in one
    product each.
    """
    products = 1 if card.family == "gpt2" else 2
    return [(layer, n_rows) for layer in range(n_layers) for _ in range(products)]


def reads_from(layer: PreallocatedLayer, attended: Attended) -> bool:
    """Return whether attention read the cache's own memory, not a copy of it."""
    return (
        attended.key.data_ptr() == layer.keys.data_ptr()
        and attended.value.data_ptr() == layer.values.data_ptr()
    )


def disagreement(layer: int | None, seen: str, fed: range) -> ObservationError:
    """Return the error for a step whose observers disagree, in one layer or in all."""
    where = "" if layer is None else f"In layer {layer} "
    found = f"{where}{seen}; the step fed {position_text(fed)}."
    return ObservationError(
        "The observers of a step disagree, so nothing can be said about it.",
        found=found[0].upper() + found[1:],
        fix="Report this with the versions of kvviz, torch and transformers.",
    )


def position_text(positions: range) -> str:
    """Return positions in words."""
    return f"positions {positions.start} to {positions.stop - 1}"


def largest_change(now: list[Attended], before: list[Attended]) -> float:
    """Return how far rows moved that were computed again; 0 if there was no step before."""
    pairs = [
        (new, old)
        for one, other in zip(now, before, strict=False)
        for new, old in ((one.key, other.key), (one.value, other.value))
    ]
    return max(
        (float((new.narrow(-2, 0, old.shape[-2]) - old).abs().max()) for new, old in pairs),
        default=0.0,
    )


def changed_rows(written: Tensor, final: Tensor) -> tuple[str, str] | None:
    """Say which rows have other fingerprints than when they were written, if any."""
    changed = (written != final).nonzero()
    if not changed.numel():
        return None
    which, layer, position = changed[0].tolist()
    return (
        f"{len(changed)} cached rows do not have the bits that were written.",
        f"The first is the {'KV'[which]} row of layer {layer}, position {position}.",
    )


def to_numpy(rows: Tensor) -> np.ndarray:
    """Return rows as a trace keeps them, in float32."""
    return rows.float().cpu().numpy()
