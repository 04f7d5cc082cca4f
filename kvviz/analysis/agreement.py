"""Whether the cache changed what was generated, in numbers and in a sentence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kvviz.trace import CacheComparison


@dataclass(frozen=True)
class Agreement:
    """How a cached and an uncached run of the same thing agree.

    Attributes:
        same_tokens: Whether both chose the same tokens throughout.
        n_same: New tokens up to which they are the same.
        parts_at: Step after which they chose different tokens, or one of them had ended; None if
            they never part.
        max_logit_difference: Largest absolute difference of any next-token logit, over the steps
            that saw the same tokens.
        worst_step: The step where it occurred.
        dtype: Number format of both runs.
    """

    same_tokens: bool
    n_same: int
    parts_at: int | None
    max_logit_difference: float
    worst_step: int
    dtype: str

    def sentence(self) -> str:
        """Say it in one sentence."""
        difference = (
            "not a bit of any logit differs"
            if self.max_logit_difference == 0
            else f"largest logit difference {self.max_logit_difference:.1e} ({self.dtype})"
        )
        if self.same_tokens:
            tokens = "token" if self.n_same == 1 else f"{self.n_same} tokens"
            return f"Same {tokens} both ways; {difference}."
        after = "step" if self.n_same == 1 else "steps"
        return (
            f"The runs part at step {self.parts_at}, after {self.n_same} {after} with the same "
            f"tokens; until then, {difference}."
        )


def agreement(comparison: CacheComparison) -> Agreement:
    """Compare the runs of a comparison token by token."""
    new = [
        [step.chosen_id for step in run.steps] for run in (comparison.cached, comparison.uncached)
    ]
    n_common = min(map(len, new))
    differs = np.flatnonzero(np.not_equal(new[0][:n_common], new[1][:n_common]))
    n_same = int(differs[0]) if differs.size else n_common
    return Agreement(
        same_tokens=comparison.same_tokens,
        n_same=n_same,
        parts_at=None if comparison.same_tokens else n_same,
        max_logit_difference=comparison.max_logit_difference,
        worst_step=int(comparison.logit_differences.argmax()),
        dtype=comparison.cached.model.dtype,
    )
