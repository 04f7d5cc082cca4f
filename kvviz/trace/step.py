"""One step of a generation: what was fed, computed and reused, and what came out."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from jaxtyping import Float32, Int64

from kvviz.errors import TraceError
from kvviz.trace.arrays import checked_array
from kvviz.translation import gettext as _
from kvviz.translation import ngettext

Kind = Literal["prefill", "decode"]


def _no_positions() -> Int64[np.ndarray, " 0"]:
    return np.empty(0, dtype=np.int64)


NOTHING_EVICTED = np.empty((3, 0), dtype=np.int64)
NOTHING_EVICTED.setflags(write=False)


@dataclass(frozen=True, eq=False)
class Step:
    """What happened in one forward pass and the choice of a token after it.

    Positions count from 0 over prompt and generated tokens together.

    Attributes:
        index: Number of the step; 0 is the prefill.
        kind: ``prefill`` for step 0, ``decode`` for all others.
        fed: Positions whose tokens went through the network, ascending.
        computed: Positions whose K/V rows were computed and written, ascending.
        reused: Positions whose K/V rows were read from the cache unchanged, ascending.
        top_ids: Most likely next tokens by the model's own distribution, most likely first.
        top_probs: Their probabilities in [0, 1], temperature 1, before any top-k or top-p.
        top_sampling_probs: Probabilities of the same tokens in the distribution that was sampled
            from, after temperature, top-k and top-p. One-hot on the chosen token when greedy.
        chosen_id: The token appended after this step.
        chosen_prob: Its probability by the model's own distribution, in [0, 1].
        seconds: Measured time of the forward pass and the choice, device synchronised.
        flops: Counted floating-point operations of the forward pass, products by which a cache
            keeps rows in another form among them.
        cache_bytes: Measured bytes of the K/V tensors that hold rows after the step, in whatever
            form: scales and empty ends of blocks are included, and so is cross-attention; positions
            and scores by which a cache chooses rows are not. 0 without cache.
        max_row_change: Largest absolute difference between K/V rows computed again at this step
            and the same rows at the step before; exactly 0.0 where nothing was computed again.
        cross_computed: Encoder positions whose cross-attention K/V rows were computed at this
            step, ascending; empty in a model without an encoder.
        cross_reused: Those whose rows were read unchanged, likewise.
        evicted: Rows that the cache dropped after this step, never to be read again: their layer,
            KV head and position, one row of the array each. None in a run that keeps every row or
            no row at all.

    Raises:
        TraceError: If kind, positions, probabilities or measures contradict each other, or an
            array is of another dtype than the one written here.
    """

    index: int
    kind: Kind
    fed: Int64[np.ndarray, " n_fed"]
    computed: Int64[np.ndarray, " n_computed"]
    reused: Int64[np.ndarray, " n_reused"]
    top_ids: Int64[np.ndarray, " k"]
    top_probs: Float32[np.ndarray, " k"]
    top_sampling_probs: Float32[np.ndarray, " k"]
    chosen_id: int
    chosen_prob: float
    seconds: float
    flops: int
    cache_bytes: int
    max_row_change: float = 0.0
    cross_computed: Int64[np.ndarray, " n_cross_computed"] = field(default_factory=_no_positions)
    cross_reused: Int64[np.ndarray, " n_cross_reused"] = field(default_factory=_no_positions)
    evicted: Int64[np.ndarray, "3 n_evicted"] = field(default_factory=lambda: NOTHING_EVICTED)

    def __post_init__(self) -> None:
        if self.kind != ("prefill" if self.index == 0 else "decode"):
            raise TraceError(
                _("Step 0 is the prefill and all others decode."),
                found=_("Step {step} says {kind!r}.").format(step=self.index, kind=self.kind),
            )
        self._check_positions()
        self._check_probabilities()
        self._check_measures()

    def _check_positions(self) -> None:
        for name in ("fed", "computed", "reused", "cross_computed", "cross_reused"):
            positions = checked_array(getattr(self, name), name, np.int64, n_axes=1)
            if (positions[1:] <= positions[:-1]).any() or (positions[:1] < 0).any():
                raise TraceError(
                    _("Positions of a step ascend from 0 on."),
                    found=_("{name} of step {step} does not.").format(name=name, step=self.index),
                )
        # Both ascend, so that rows computed behind all that were reused need no closer look.
        apart = not self.reused.size or (self.computed[:1] > self.reused[-1]).all()
        if not apart and np.intersect1d(self.computed, self.reused).size:
            raise TraceError(
                _("A row is either computed or reused."),
                found=_("Step {step} has rows that are both.").format(step=self.index),
            )
        if self.evicted is not NOTHING_EVICTED:
            checked_array(self.evicted, "evicted", np.int64, n_axes=2)
            if len(self.evicted) != 3 or (self.evicted < 0).any():
                raise TraceError(
                    _("An evicted row is told by its layer, KV head and position."),
                    found=_("Those of step {step} have the shape {shape}.").format(
                        step=self.index, shape=self.evicted.shape
                    ),
                )

    def _check_probabilities(self) -> None:
        top_ids = checked_array(self.top_ids, "top_ids", np.int64, n_axes=1)
        for name in ("top_probs", "top_sampling_probs"):
            probs = checked_array(getattr(self, name), name, np.float32, n_axes=1)
            if probs.shape != top_ids.shape or not probs.size:
                raise TraceError(
                    _("Every likely token has its probabilities, and there is at least one."),
                    found=ngettext(
                        "Step {step} has {n} token and {n_probs} {name}.",
                        "Step {step} has {n} tokens and {n_probs} {name}.",
                        top_ids.size,
                    ).format(step=self.index, n=top_ids.size, n_probs=probs.size, name=name),
                )
            if probs.min() < 0 or probs.max() > 1:
                raise TraceError(
                    _("Probabilities lie in [0, 1]."),
                    found=_("{name} of step {step} do not.").format(name=name, step=self.index),
                )
        if (self.top_probs[1:] > self.top_probs[:-1]).any():
            raise TraceError(
                _("The most likely token comes first."),
                found=_("It does not at step {step}.").format(step=self.index),
            )
        if not 0.0 <= self.chosen_prob <= 1.0:
            raise TraceError(
                _("Probabilities lie in [0, 1]."),
                found=_("{name} of step {step} is {number!r}.").format(
                    name="chosen_prob", step=self.index, number=self.chosen_prob
                ),
            )

    def _check_measures(self) -> None:
        for name in ("seconds", "flops", "cache_bytes", "max_row_change"):
            measure = getattr(self, name)
            if not 0 <= measure < math.inf:
                raise TraceError(
                    _("Times, counts and sizes are numbers from 0 on."),
                    found=_("{name} of step {step} is {number!r}.").format(
                        name=name, step=self.index, number=measure
                    ),
                )

    @property
    def n_rows(self) -> int:
        """Positions that attention could read at this step: computed and reused together."""
        return int(self.computed.size + self.reused.size)
