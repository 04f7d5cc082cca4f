"""The same generation twice, with the cache and without."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float32, Float64

from kvviz.errors import TraceError
from kvviz.trace.adapters import drawn
from kvviz.trace.arrays import checked_array
from kvviz.trace.generation import GenerationTrace
from kvviz.translation import gettext as _
from kvviz.translation import ngettext


@dataclass(frozen=True, eq=False, repr=False)
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
        names = (self.cached.options.cache_name, self.uncached.options.cache_name)
        if names != ("full", "recomputed"):
            raise TraceError(
                _("A comparison needs one run with the full cache and one without."),
                found=_("They say {one!r} and {other!r}.").format(one=names[0], other=names[1]),
            )
        n_prompt = self.cached.n_prompt
        if (
            self.cached.model != self.uncached.model
            or self.cached.prompt != self.uncached.prompt
            or n_prompt != self.uncached.n_prompt
            or not np.array_equal(
                self.cached.token_ids[:n_prompt], self.uncached.token_ids[:n_prompt]
            )
        ):
            raise TraceError(_("A comparison needs the same prompt and model twice."))
        differences = checked_array(
            self.logit_differences, "logit_differences", np.float64, n_axes=1
        )
        n_common = min(len(self.cached.steps), len(self.uncached.steps))
        if not 1 <= differences.size <= n_common or (differences < 0).any():
            raise TraceError(
                _("A comparison needs one logit difference, 0 or more, for each step it compares."),
                found=ngettext(
                    "There are {n_differences} for {n} step.",
                    "There are {n_differences} for {n} steps.",
                    n_common,
                ).format(n_differences=differences.size, n=n_common),
            )

    @property
    def same_tokens(self) -> bool:
        """Whether both runs chose the same tokens."""
        return bool(np.array_equal(self.cached.token_ids, self.uncached.token_ids))

    @property
    def max_logit_difference(self) -> float:
        """Largest absolute difference of any next-token logit at any compared step."""
        return float(self.logit_differences.max())

    @cached_property
    def row_differences(self) -> Float32[np.ndarray, " row"]:
        """Largest absolute difference of any number in a row's keys and values, in all layers.

        One for each row that both runs have; a row of the run without the cache is taken as it was
        computed last. Rows of different tokens differ as tokens do.
        """
        n_rows = min(self.cached.n_rows, self.uncached.n_rows)
        most = np.zeros(n_rows, dtype=np.float32)
        for layer in range(self.cached.model.n_layers):
            for one, other in (
                (self.cached.keys(layer), self.uncached.keys(layer)),
                (self.cached.values(layer), self.uncached.values(layer)),
            ):
                apart = np.abs(one[:, :n_rows] - other[:, :n_rows]).max(axis=(0, 2))
                np.maximum(most, apart, out=most)
        return most

    def __repr__(self) -> str:
        return f"<CacheComparison of {self.cached!r} and {self.uncached!r}>"

    def _repr_html_(self) -> str | None:
        return drawn(self)
