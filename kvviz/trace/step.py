"""One step of a generation: what was fed, computed and reused, and what came out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float32, Int64

from kvviz.errors import TraceError

Kind = Literal["prefill", "decode"]


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
        flops: Counted floating-point operations of the forward pass.
        cache_bytes: Measured bytes of the K/V tensors that hold rows after the step; 0 without
            cache.
        max_row_change: Largest absolute difference between K/V rows computed again at this step
            and the same rows at the step before; exactly 0.0 where nothing was computed again.

    Raises:
        TraceError: If kind, positions or probabilities contradict each other.
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

    def __post_init__(self) -> None:
        if self.kind != ("prefill" if self.index == 0 else "decode"):
            raise TraceError(
                "Step 0 is the prefill and all others decode.",
                found=f"Step {self.index} says {self.kind!r}.",
            )
        for name in ("fed", "computed", "reused"):
            positions = getattr(self, name)
            if positions.ndim != 1 or (np.diff(positions) <= 0).any() or (positions < 0).any():
                raise TraceError(
                    "Positions of a step ascend from 0 on.",
                    found=f"{name} of step {self.index} does not.",
                )
        if np.intersect1d(self.computed, self.reused).size:
            raise TraceError(
                "A row is either computed or reused.",
                found=f"Step {self.index} has rows that are both.",
            )
        if not self.top_ids.shape == self.top_probs.shape == self.top_sampling_probs.shape:
            raise TraceError(
                "Every likely token has its probabilities.",
                found=f"Step {self.index} has {self.top_ids.size} tokens and "
                f"{self.top_probs.size} and {self.top_sampling_probs.size} probabilities.",
            )
        if (np.diff(self.top_probs) > 0).any() or not 0.0 <= self.chosen_prob <= 1.0:
            raise TraceError(
                "Probabilities lie in [0, 1], the largest first.",
                found=f"Those of step {self.index} do not.",
            )
        for array in (
            self.fed,
            self.computed,
            self.reused,
            self.top_ids,
            self.top_probs,
            self.top_sampling_probs,
        ):
            array.setflags(write=False)

    @property
    def n_rows(self) -> int:
        """Rows that attention could read at this step: computed and reused together."""
        return int(self.computed.size + self.reused.size)
