"""One forward pass cut into parts, each timed."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float64

from kvviz.errors import TraceError
from kvviz.trace.model_card import ModelCard
from kvviz.translation import N_, ngettext
from kvviz.translation import gettext as _

PARTS = (
    N_("embeddings"),
    N_("Q/K/V projections"),
    N_("attention"),
    N_("MLP"),
    # Translators: the last layer of a model, which makes logits; not an attention head
    N_("head"),
    N_("sampling"),
    N_("rest"),
)
"""Attention is the cache's update, scores, softmax, weighted values and the output projection; the
rest are norms, residual sums and the mask. Names, to be translated where they are shown."""


@dataclass(frozen=True, eq=False)
class StepProfile:
    """Where the time of a step goes.

    Attributes:
        model: The model that ran.
        n_new: Rows of a sequence that went through the network.
        n_keys: Rows that they attended to, cached ones and themselves.
        batch: Sequences at the same time.
        seconds: Measured time of each part, summed over the layers.
        whole_seconds: Measured time of the same step run as always, without a clock inside.
        environment: What a reader needs to judge the times.

    Raises:
        TraceError: If the parts contradict each other, or a time is none.
    """

    model: ModelCard
    n_new: int
    n_keys: int
    batch: int
    seconds: Float64[np.ndarray, "repeat part"]
    whole_seconds: Float64[np.ndarray, " repeat"]
    environment: dict[str, str] = field(default_factory=dict[str, str])

    def __post_init__(self) -> None:
        n_repeats = self.whole_seconds.size
        if self.seconds.shape != (n_repeats, len(PARTS)) or not n_repeats:
            raise TraceError(
                _("A profile has a time for each part and repeat."),
                found=ngettext(
                    "It has shape {shape} for {n} repeat.",
                    "It has shape {shape} for {n} repeats.",
                    n_repeats,
                ).format(shape=self.seconds.shape, n=n_repeats),
            )
        for seconds in (self.seconds, self.whole_seconds):
            if not (np.isfinite(seconds).all() and (seconds >= 0).all()):
                raise TraceError(_("A part of a step took no number of seconds."))

    @property
    def parts(self) -> dict[str, float]:
        """Median seconds of each part."""
        return dict(zip(PARTS, np.median(self.seconds, axis=0).tolist(), strict=True))

    @property
    def total(self) -> float:
        """Seconds of all parts together, by their medians."""
        return sum(self.parts.values())

    @property
    def whole(self) -> float:
        """Median seconds of the step run as always."""
        return float(np.median(self.whole_seconds))
