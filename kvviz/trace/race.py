"""The same tokens generated with the cache and without, several times over, step by step timed."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64

from kvviz.errors import TraceError
from kvviz.trace.model_card import ModelCard
from kvviz.translation import gettext as _


@dataclass(frozen=True)
class RaceBytes:
    """Bytes that a race needs at least, beside the weights.

    Attributes:
        cache: Key and value rows of all sequences at the end.
        widest: The two largest tensors that live at the same time in the last pass without the
            cache: attention scores before and after they are scaled, or the inner rows of an MLP
            before and after its activation.
    """

    cache: int
    widest: int

    @property
    def total(self) -> int:
        """Both together."""
        return self.cache + self.widest


def race_bytes(
    card: ModelCard, n_tokens: int, batch: int, n_places: int | None = None
) -> RaceBytes:
    """Count what a race needs at least, beside the weights; it grows in proportion to the batch.

    Args:
        card: The model's shape and dtype.
        n_tokens: Tokens of a sequence that go through the network in the last pass.
        batch: Sequences at the same time.
        n_places: Most rows of a sequence that the cache has room for; None for all.
    """
    scores = card.n_heads * n_tokens * n_tokens
    inner = n_tokens * card.d_mlp
    return RaceBytes(
        cache=card.cache_bytes(min(n_tokens, n_places or n_tokens)) * batch,
        widest=2 * max(scores, inner) * batch * card.bytes_per_number,
    )


@dataclass(frozen=True, eq=False)
class Race:
    """What a race took: seconds of every step, on both sides.

    Attributes:
        model: The model that ran.
        n_prompt: Tokens of each prompt.
        n_asked: Repeats that were asked for; there are fewer if the race was cancelled.
        token_ids: Prompts and generated tokens of the side with the cache.
        uncached_token_ids: The same of the side without.
        cached_seconds: Measured time of each step with the cache; step 0 is the prefill.
        uncached_seconds: Measured time of each step without.
        cache_bytes: Measured bytes of the tensors that hold the rows, after each step.
        environment: What a reader needs to judge the times.
        rows: Rows that a query of a decode step may read on the side with the cache, its own among
            them: the last ones and the sinks. None where every row is kept.
        sinks: How many of them are the first ones of the text.

    Raises:
        TraceError: If the parts contradict each other, or a time is none.
    """

    model: ModelCard
    n_prompt: int
    n_asked: int
    token_ids: Int64[np.ndarray, "sequence position"]
    uncached_token_ids: Int64[np.ndarray, "sequence position"]
    cached_seconds: Float64[np.ndarray, "repeat step"]
    uncached_seconds: Float64[np.ndarray, "repeat step"]
    cache_bytes: Int64[np.ndarray, " step"]
    environment: dict[str, str] = field(default_factory=dict[str, str])
    rows: int | None = None
    sinks: int = 0

    def __post_init__(self) -> None:
        shape = self.cached_seconds.shape
        n_new = self.token_ids.shape[-1] - self.n_prompt
        fits = (
            self.token_ids.ndim == 2
            and self.uncached_token_ids.shape == self.token_ids.shape
            and self.uncached_seconds.shape == shape
            and len(shape) == 2
            and 1 <= shape[0] <= self.n_asked
            and shape[1] == n_new >= 1
            and self.cache_bytes.shape == (n_new,)
            and self.n_prompt >= 1
            and 0 <= self.sinks < (1 if self.rows is None else self.rows)
        )
        if not fits:
            raise TraceError(
                _("The parts of a race do not fit each other."),
                found=_(
                    "Times of shape {cached} and {uncached}, tokens of shape {tokens} after a "
                    "prompt of {n_prompt}."
                ).format(
                    cached=shape,
                    uncached=self.uncached_seconds.shape,
                    tokens=self.token_ids.shape,
                    n_prompt=self.n_prompt,
                ),
            )
        for seconds in (self.cached_seconds, self.uncached_seconds):
            if not (np.isfinite(seconds).all() and (seconds > 0).all()):
                raise TraceError(_("A step of a race took no time, or no number of seconds."))

    @property
    def batch(self) -> int:
        """Sequences at the same time."""
        return self.token_ids.shape[0]

    @property
    def n_new(self) -> int:
        """Tokens generated in each sequence, and steps."""
        return self.cached_seconds.shape[1]

    @property
    def n_repeats(self) -> int:
        """How often each side ran while the clock counted."""
        return self.cached_seconds.shape[0]

    @property
    def same_tokens(self) -> bool:
        """Whether both sides wrote the same."""
        return bool((self.token_ids == self.uncached_token_ids).all())

    def to_json(self) -> dict[str, Any]:
        """Return the race as plain values for JSON, units in the names."""
        return {
            "model": asdict(self.model),
            "n_prompt": self.n_prompt,
            "n_new": self.n_new,
            "batch": self.batch,
            "n_repeats": self.n_repeats,
            "same_tokens": self.same_tokens,
            "rows": self.rows,
            "sinks": self.sinks,
            "cached_step_seconds": self.cached_seconds.tolist(),
            "uncached_step_seconds": self.uncached_seconds.tolist(),
            "cache_bytes": self.cache_bytes.tolist(),
            "environment": self.environment,
        }
