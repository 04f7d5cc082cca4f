"""What packing costs on held-out stories: the settings in which KIVI's statements are tried."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float64

from kvviz.ui.pages.cache_lab.judgement import DIGITS
from kvviz.ui.pages.cache_lab.packing import Packing
from kvviz.ui.pages.cache_lab.stories import judgements_of_stories

if TYPE_CHECKING:
    from kvviz.engine import LoadedModel

TRIED = {
    "eight": Packing(8, 8),
    "four": Packing(4, 4),
    "four-token": Packing(4, 4, "token", "token"),
    "both": Packing(2, 2, "channel", "token"),
    "token": Packing(2, 2, "token", "token"),
    "channel": Packing(2, 2, "channel", "channel"),
    "reversed": Packing(2, 2, "token", "channel"),
    "keys-2": Packing(2, 8, "token", "token"),
    "values-2": Packing(8, 2, "token", "token"),
    "keys-1": Packing(1, 8, "token", "token"),
    "values-1": Packing(8, 1, "token", "token"),
}
"""What is compared, by name. By token a row is packed as it comes, so that none waits where keys
stand against values."""


@dataclass(frozen=True, eq=False)
class BitLosses:
    """What each of `TRIED` costs on stories.

    Attributes:
        n_read: Tokens that were read of each story; the second half was scored.
        full: Mean loss a token of each story with every row whole, in nats.
        more: What each costs beside it: a number a story, in nats a token.
        kl: Divergence from the full cache likewise.
        same: Share of tokens at which the likeliest one is the same, likewise.
        n_bytes: Measured bytes of what was kept at the end of the last story.
        full_bytes: Of every row, whole.
    """

    n_read: int
    full: Float64[np.ndarray, " story"]
    more: Mapping[str, Float64[np.ndarray, " story"]]
    kl: Mapping[str, Float64[np.ndarray, " story"]]
    same: Mapping[str, Float64[np.ndarray, " story"]]
    n_bytes: Mapping[str, int]
    full_bytes: int

    @property
    def n_stories(self) -> int:
        """Stories that were read."""
        return int(self.full.size)

    def cost(self, name: str) -> float:
        """Return what one costs, in nats a token."""
        return float(self.more[name].mean())

    def divergence(self, name: str) -> float:
        """Return how far one is from the full cache, in nats a token."""
        return float(self.kl[name].mean())

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data, numbers rounded."""
        of_ways = {"more": self.more, "kl": self.kl, "same": self.same}
        return {
            "n_read": self.n_read,
            "full": np.round(self.full, DIGITS).tolist(),
            **{
                part: {name: np.round(one, DIGITS).tolist() for name, one in ways.items()}
                for part, ways in of_ways.items()
            },
            "n_bytes": dict(self.n_bytes),
            "full_bytes": self.full_bytes,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> BitLosses:
        """Build it from what `to_json` returned."""
        more, kl, same = (
            {name: np.array(one, dtype=np.float64) for name, one in data[part].items()}
            for part in ("more", "kl", "same")
        )
        full = np.array(data["full"], dtype=np.float64)
        return cls(data["n_read"], full, more, kl, same, data["n_bytes"], data["full_bytes"])


def read_packed_stories(
    model: LoadedModel,
    *,
    n_read: int,
    n_stories: int,
    progress: Callable[[int, int], None],
    cancel: Callable[[], bool],
) -> BitLosses:
    """Feed stories token by token to each of `TRIED`; for use on a worker thread.

    Args:
        model: A decoder.
        n_read: Tokens of each story.
        n_stories: How many stories, from the first on.
        progress: Told how many tokens are done, and how many there are.
        cancel: Asked before each token.

    Raises:
        KvvizError: What `kvviz.engine.judge_all` raises.
    """
    words = {name: one.for_engine for name, one in TRIED.items()}
    found = judgements_of_stories(
        model,
        list(words.values()),
        n_read=n_read,
        n_stories=n_stories,
        progress=progress,
        cancel=cancel,
    )
    last = found[-1]
    return BitLosses(
        n_read,
        np.array([one.full_loss for one in found]),
        {name: np.array([float(one.more(way).mean()) for one in found])
         for name, way in words.items()},
        {name: np.array([one.caches[way].kl for one in found]) for name, way in words.items()},
        {name: np.array([float(one.caches[way].same.mean()) for one in found])
         for name, way in words.items()},
        {name: last.caches[way].n_bytes for name, way in words.items()},
        last.full_bytes,
    )  # fmt: skip
