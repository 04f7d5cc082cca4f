"""How ways of keeping rows foretell a text that is fed to them as it stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float64

if TYPE_CHECKING:
    from kvviz.engine import LoadedModel

DIGITS = 5
"""Of the numbers that are written into a recorded result."""


@dataclass(frozen=True, eq=False)
class OfCache:
    """What came of one way of keeping rows, token by token.

    Attributes:
        losses: Loss of each token that was scored, in nats.
        divergences: Kullback-Leibler divergence from the full cache at each, in nats.
        same: Whether both name the same token as the likeliest.
        n_bytes: Measured bytes of what was kept at the end.
    """

    losses: Float64[np.ndarray, " score"]
    divergences: Float64[np.ndarray, " score"]
    same: Bool[np.ndarray, " score"]
    n_bytes: int

    @property
    def loss(self) -> float:
        """Mean loss a token, in nats."""
        return float(self.losses.mean())

    @property
    def kl(self) -> float:
        """Mean divergence a token, in nats."""
        return float(self.divergences.mean())

    @property
    def n_same(self) -> int:
        """Tokens at which the likeliest one is the same."""
        return int(self.same.sum())


@dataclass(frozen=True, eq=False)
class Judgement:
    """Several ways of keeping rows on the very same tokens, and every row kept beside them.

    Attributes:
        full_losses: Loss of each token that was scored with every row kept, in nats.
        full_bytes: Measured bytes of every row at the end.
        caches: What came of each way, by the words that the engine reads.
    """

    full_losses: Float64[np.ndarray, " score"]
    full_bytes: int
    caches: Mapping[str, OfCache]

    @property
    def n_scored(self) -> int:
        """Tokens that were scored."""
        return int(self.full_losses.size)

    @property
    def full_loss(self) -> float:
        """Mean loss a token with every row kept, in nats."""
        return float(self.full_losses.mean())

    def more(self, words: str) -> Float64[np.ndarray, " score"]:
        """Return what a way costs at each token beside every row, in nats."""
        return self.caches[words].losses - self.full_losses

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data, numbers rounded."""
        return {
            "full_losses": _rounded(self.full_losses),
            "full_bytes": self.full_bytes,
            "caches": {
                words: {
                    "losses": _rounded(one.losses),
                    "divergences": _rounded(one.divergences),
                    "same": one.same.astype(int).tolist(),
                    "n_bytes": one.n_bytes,
                }
                for words, one in self.caches.items()
            },
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Judgement:
        """Build it from what `to_json` returned."""
        return cls(
            np.array(data["full_losses"], dtype=np.float64),
            data["full_bytes"],
            {
                words: OfCache(
                    np.array(one["losses"], dtype=np.float64),
                    np.array(one["divergences"], dtype=np.float64),
                    np.array(one["same"], dtype=bool),
                    one["n_bytes"],
                )
                for words, one in data["caches"].items()
            },
        )


def joined(parts: Sequence[Judgement]) -> Judgement:
    """Return judgements on several texts as one, in their order; bytes are those of the last."""
    last = parts[-1]
    return Judgement(
        np.concatenate([one.full_losses for one in parts]),
        last.full_bytes,
        {
            words: OfCache(
                np.concatenate([one.caches[words].losses for one in parts]),
                np.concatenate([one.caches[words].divergences for one in parts]),
                np.concatenate([one.caches[words].same for one in parts]),
                last.caches[words].n_bytes,
            )
            for words in last.caches
        },
    )


def judgement(
    model: LoadedModel,
    ids: Sequence[int],
    words: Sequence[str],
    *,
    n_prompt: int,
    first: int | None = None,
    progress: Callable[[int, int], None],
    cancel: Callable[[], bool],
) -> Judgement:
    """Feed a text as it stands, with each way of keeping rows; for use on a worker thread.

    Args:
        model: A decoder.
        ids: The text's tokens.
        words: The ways, as `cache_of` of the engine reads them.
        n_prompt: Tokens that are read at once before the others.
        first: First position that is scored; that after the prompt if None.
        progress: Told how many tokens are done, and how many there are.
        cancel: Asked before each token.

    Raises:
        KvvizError: What `kvviz.engine.judge_all` raises.
    """
    from kvviz.engine import judge_all
    from kvviz.engine.caches.cache_words import cache_of

    found = judge_all(
        model,
        list(ids),
        [cache_of(one) for one in words],
        n_prompt=n_prompt,
        first=first,
        progress=progress,
        cancel=cancel,
    )
    return Judgement(
        found[0].full_losses,
        found[0].full_cache_bytes,
        {
            one: OfCache(verdict.losses, verdict.divergences, verdict.same, verdict.cache_bytes)
            for one, verdict in zip(words, found, strict=True)
        },
    )


def _rounded(numbers: Float64[np.ndarray, " score"]) -> list[float]:
    return np.round(numbers, DIGITS).tolist()
