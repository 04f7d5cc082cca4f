"""Whether the cache changed what was generated, in numbers and in a sentence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kvviz.trace import CacheComparison
from kvviz.translation import gettext as _
from kvviz.translation import ngettext


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
        facts = {
            "n": self.n_same,
            "step": self.parts_at,
            "difference": f"{self.max_logit_difference:.1e}",
            "dtype": self.dtype,
        }
        if self.same_tokens:
            return self._same().format(**facts)
        return self._parted().format(**facts)

    def _same(self) -> str:
        is_exact = self.max_logit_difference == 0
        if self.n_same == 1 and is_exact:
            return _("Same token both ways; not a bit of any logit differs.")
        if self.n_same == 1:
            return _("Same token both ways; largest logit difference {difference} ({dtype}).")
        if is_exact:
            return ngettext(
                "Same {n} token both ways; not a bit of any logit differs.",
                "Same {n} tokens both ways; not a bit of any logit differs.",
                self.n_same,
            )
        return ngettext(
            "Same {n} token both ways; largest logit difference {difference} ({dtype}).",
            "Same {n} tokens both ways; largest logit difference {difference} ({dtype}).",
            self.n_same,
        )

    def _parted(self) -> str:
        if self.max_logit_difference == 0:
            return ngettext(
                "The runs part at step {step}, after {n} step with the same tokens; until then, "
                "not a bit of any logit differs.",
                "The runs part at step {step}, after {n} steps with the same tokens; until then, "
                "not a bit of any logit differs.",
                self.n_same,
            )
        return ngettext(
            "The runs part at step {step}, after {n} step with the same tokens; until then, "
            "largest logit difference {difference} ({dtype}).",
            "The runs part at step {step}, after {n} steps with the same tokens; until then, "
            "largest logit difference {difference} ({dtype}).",
            self.n_same,
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
