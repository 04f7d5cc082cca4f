"""The same generation twice, with the cache and without."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from kvviz.errors import TraceError
from kvviz.trace.generation import GenerationTrace


@dataclass(frozen=True, eq=False)
class CacheComparison:
    """A cached run beside an uncached run of the same prompt and options.

    Attributes:
        cached: The run that kept its K/V rows.
        uncached: The run that computed every row at every step.
        logit_differences: Largest absolute difference of the next-token logits, one a step, over
            the steps before which both runs had chosen the same tokens.

    Raises:
        TraceError: If the two are not one cached and one uncached run of the same thing.
    """

    cached: GenerationTrace
    uncached: GenerationTrace
    logit_differences: Float64[np.ndarray, " step"]

    def __post_init__(self) -> None:
        if not self.cached.options.use_cache or self.uncached.options.use_cache:
            raise TraceError("A comparison needs one run with the cache and one without.")
        if self.cached.prompt != self.uncached.prompt or self.cached.model != self.uncached.model:
            raise TraceError("A comparison needs the same prompt and model twice.")
        if not 1 <= self.logit_differences.size <= len(self.cached.steps):
            raise TraceError("A comparison needs one logit difference a step.")

    @property
    def same_tokens(self) -> bool:
        """Whether both runs chose the same tokens."""
        return bool(np.array_equal(self.cached.token_ids, self.uncached.token_ids))

    @property
    def max_logit_difference(self) -> float:
        """Largest absolute difference of any next-token logit at any compared step."""
        return float(self.logit_differences.max())
