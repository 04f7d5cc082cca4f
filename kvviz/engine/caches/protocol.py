"""What the decode loop asks of any way of keeping K/V rows.

A way of keeping them is a frozen dataclass that describes it (`KVCache`): `Full()`, say. For each
run it makes a `Rows` of its own, which holds the rows of that run. What goes through the network at
a step, with which arguments, what was read and what was dropped: the loop knows of it only what the
rows say, and the rows say only what the observers agree on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

import numpy as np
import torch
from jaxtyping import Float32, Float64, Int64
from torch import Tensor

from kvviz.engine.caches.calibration import Basis, Part
from kvviz.engine.caches.shared_rows import SharedRows
from kvviz.engine.observing.observation import StepObservation
from kvviz.trace import CrossAttention, ModelCard
from kvviz.trace.packed_rows import PackedRows
from kvviz.trace.step import NOTHING_EVICTED

Positions = range | Int64[np.ndarray, " n"]


class KeyTurn(Protocol):
    """What turns keys from one place in the text to another, as the model turned them to theirs."""

    @property
    def cos(self) -> Tensor:
        """By place, the cosine for each number of a key."""
        ...

    @property
    def sin(self) -> Tensor:
        """Likewise the sine."""
        ...


@dataclass(frozen=True)
class RowsPlace:
    """What the rows of a run are rows of, and where they live.

    Attributes:
        card: The model's shape.
        n_projections: Products that give the keys and values of a layer, each of which reports.
        n_positions: Most positions that the run can feed.
        n_prompt: How many of them are the prompt, after which the first token is chosen.
        dtype: Number format of the rows as they are computed.
        device: Where they live.
        turn: Gives what turns keys of a layer so many places on, of each of several numbers of
            places; None in a model that tells positions in another way.
        shared: Rows of the beginning that are there already; only a cache that keeps every row is
            given any.
        basis: Gives so many directions along which the model's rows are spread, worked out from a
            text that ships; None where nobody asks for them.
    """

    card: ModelCard
    n_projections: int
    n_positions: int
    n_prompt: int
    dtype: torch.dtype
    device: torch.device
    turn: Callable[[int, Tensor], KeyTurn | None] | None = None
    shared: SharedRows | None = None
    basis: Callable[[Part, int], Basis] | None = None


class KVCache(Protocol):
    """A way of keeping rows, described: a frozen dataclass whose fields are plain settings.

    One that says `for_every_decoder` keeps to the windows of a model's layers and to what of a T5
    tells it how far its rows are; one that does not say so is refused where those matter. One that
    says that it does not `reads_in_pieces` has each prompt read whole, however long. One that says
    that it `shares_passes` has attention read the rows of a text one behind the other and all of
    them, so that other runs' rows may go through the network beside its own.

    Attributes:
        name: As a trace and its file say it: small letters, digits, ``-`` and ``_``.
        summary: What it does, in one line, to be translated where it is shown.
        keeps_rows: Whether any step can read a row that an earlier one computed.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    keeps_rows: ClassVar[bool]

    def rows(self, place: RowsPlace) -> Rows:
        """Return where the rows of one run are kept."""
        ...


@dataclass(frozen=True, eq=False)
class StepRows:
    """What the observers agree on for one step.

    Attributes:
        computed: Positions whose rows were computed, ascending.
        reused: Positions of which rows were read and not computed, ascending.
        n_keys: Rows that attention read in each layer and head, both kinds together; where layers
            differ, one number a layer, windows heeded.
        cache_bytes: Bytes of the tensors that hold the rows.
        max_row_change: How far rows that were computed again moved.
        cross_computed: Encoder positions whose cross-attention rows were computed.
        cross_reused: Those whose rows were read and not computed.
        evicted: Layer, KV head and position of each row dropped after the step, in that order.
        cache_flops: Operations of the products by which rows were put into another form and made
            anew from it; those of the model are counted elsewhere.
    """

    computed: Positions
    reused: Positions
    n_keys: int | Sequence[int]
    cache_bytes: int = 0
    max_row_change: float = 0.0
    cross_computed: range = range(0)
    cross_reused: range = range(0)
    evicted: Int64[np.ndarray, "3 n_evicted"] = field(default_factory=lambda: NOTHING_EVICTED)
    cache_flops: int = 0


@dataclass(frozen=True, eq=False)
class FinalRows:
    """The rows of a whole run, as `kvviz.trace.GenerationTrace` keeps them.

    A row that was dropped on the way is in it as it was written.
    """

    queries: Float32[np.ndarray, "layer head position d_head"]
    keys: Float32[np.ndarray, "layer kv_head position d_head"]
    values: Float32[np.ndarray, "layer kv_head position d_head"]
    score_scale: Float32[np.ndarray, " layer"]
    written_fingerprints: Int64[np.ndarray, "2 layer position"]
    final_fingerprints: Int64[np.ndarray, "2 layer position"]
    position_bias: Float32[np.ndarray, "head query key"] | None = None
    turn_angles: Float64[np.ndarray, "layer pair"] | None = None
    packed: PackedRows | None = None
    cross: CrossAttention | None = None


class Rows(Protocol):
    """Where one run keeps its K/V rows."""

    def fed(self, n_tokens: int) -> range:
        """Return the positions that the next step must feed, when there are so many tokens."""
        ...

    def arguments(self, fed: range) -> dict[str, Any]:
        """Return the arguments of the forward pass that feeds these positions.

        Which positions they are is told to the model by the length of its cache, unless
        ``position_ids`` are among the arguments: a cache that has dropped rows must name them.
        """
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


class BegunRows(Protocol):
    """A place for the rows of one run, of which some may be there already."""

    @property
    def n_rows(self) -> int:
        """How many of the first rows are there."""
        ...

    def rows(self, place: RowsPlace) -> Rows:
        """Return where the rows of the run are kept."""
        ...


def to_numpy(rows: Tensor) -> Float32[np.ndarray, "..."]:
    """Return rows as a trace keeps them, in float32."""
    return rows.float().cpu().numpy()
