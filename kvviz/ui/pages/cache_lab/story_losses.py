"""What ways of keeping rows cost on the held-out stories, fed token by token to all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float64

from kvviz.lessons.held_out import held_out_stories
from kvviz.ui.pages.cache_lab.judgement import DIGITS, Judgement, judgement

if TYPE_CHECKING:
    from kvviz.engine import LoadedModel

OfStories = Mapping[str, Float64[np.ndarray, " story"]]


@dataclass(frozen=True, eq=False)
class StoryLosses:
    """Means over each story, of ways of keeping rows by their names.

    Attributes:
        n_read: Tokens that were read of each story.
        n_scored: Those of them that were scored, the last ones.
        full: Loss a token of each story with every row kept whole, in nats.
        more: What each way costs beside it, in nats a token.
        kl: Divergence from the full cache likewise; empty where a record was made without.
        same: Share of tokens at which the likeliest one is the same, likewise.
        n_bytes: Measured bytes of what each way kept at the end of the last story.
        full_bytes: Of every row, whole.
    """

    n_read: int
    n_scored: int
    full: Float64[np.ndarray, " story"]
    more: OfStories
    kl: OfStories
    same: OfStories
    n_bytes: Mapping[str, int]
    full_bytes: int

    @property
    def n_stories(self) -> int:
        """Stories that were read."""
        return int(self.full.size)

    def cost(self, name: str) -> tuple[float, float]:
        """Return the mean of what a way costs, and its standard error over stories, in nats.

        The error of a single story is 0: nobody knows it.
        """
        found = self.more[name]
        error = float(found.std(ddof=1) / np.sqrt(found.size)) if found.size > 1 else 0.0
        return float(found.mean()), error

    def divergence(self, name: str) -> float:
        """Return how far a way is from the full cache, in nats a token."""
        return float(self.kl[name].mean())

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data, numbers rounded."""
        return {
            "n_read": self.n_read,
            "n_scored": self.n_scored,
            "full": np.round(self.full, DIGITS).tolist(),
            **{
                part: {name: np.round(one, DIGITS).tolist() for name, one in ways.items()}
                for part, ways in (("more", self.more), ("kl", self.kl), ("same", self.same))
            },
            "n_bytes": dict(self.n_bytes),
            "full_bytes": self.full_bytes,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> StoryLosses:
        """Build it from what `to_json` returned."""
        more, kl, same = (
            {name: np.array(one, dtype=np.float64) for name, one in data.get(part, {}).items()}
            for part in ("more", "kl", "same")
        )
        full = np.array(data["full"], dtype=np.float64)
        of_all = data["n_bytes"], data["full_bytes"]
        return cls(data["n_read"], data["n_scored"], full, more, kl, same, *of_all)


def read_stories(
    model: LoadedModel,
    ways: Mapping[str, str],
    *,
    n_read: int,
    n_stories: int,
    progress: Callable[[int, int], None],
    cancel: Callable[[], bool],
) -> StoryLosses:
    """Feed stories token by token to every way; the second half of each is scored.

    So a budget holds at every query, and is full before the first token that counts. For use on a
    worker thread.

    Args:
        model: A decoder.
        ways: The ways in the engine's words, by the names that the result is to have.
        n_read: Tokens of each story.
        n_stories: How many stories, from the first on.
        progress: Told how many tokens are done, and how many there are.
        cancel: Asked before each token.

    Raises:
        KvvizError: What `kvviz.engine.judge_all` raises.
    """
    found = judgements_of_stories(
        model,
        list(ways.values()),
        n_read=n_read,
        n_stories=n_stories,
        progress=progress,
        cancel=cancel,
    )

    def over_stories(number: Callable[[Judgement, str], float]) -> OfStories:
        return {name: np.array([number(one, way) for one in found]) for name, way in ways.items()}

    last = found[-1]
    return StoryLosses(
        n_read,
        last.n_scored,
        np.array([one.full_loss for one in found]),
        over_stories(lambda one, way: float(one.more(way).mean())),
        over_stories(lambda one, way: one.caches[way].kl),
        over_stories(lambda one, way: float(one.caches[way].same.mean())),
        {name: last.caches[way].n_bytes for name, way in ways.items()},
        last.full_bytes,
    )


def judgements_of_stories(
    model: LoadedModel,
    words: Sequence[str],
    *,
    n_read: int,
    n_stories: int,
    progress: Callable[[int, int], None],
    cancel: Callable[[], bool],
) -> list[Judgement]:
    """Return what each story came to, token by token, with ways in the engine's words.

    All else is as for `read_stories`.
    """
    texts = list(held_out_stories().values())[:n_stories]
    return [
        judgement(
            model,
            [*model.first_ids, *model.tokenize(text)][:n_read],
            words,
            n_prompt=1,
            first=n_read // 2,
            progress=lambda done, n, number=number: progress(number * n + done, n * len(texts)),
            cancel=cancel,
        )
        for number, text in enumerate(texts)
    ]
