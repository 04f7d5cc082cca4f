"""A span of text that is said twice, and how much of its first telling helps with the second."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float64

from kvviz.lessons.held_out import held_out_stories
from kvviz.ui.pages.cache_lab.judgement import DIGITS, judgement
from kvviz.ui.pages.cache_lab.kept_part import KeptPart

if TYPE_CHECKING:
    from kvviz.engine import LoadedModel

FULL = "full"
SPAN = 24
"""Tokens that are said twice; they are of the middle of another story."""
BEFORE = 96
"""Tokens of the story before they are said first."""
DISTANCES = (8, 32, 72, 144)
"""Tokens of the story between the two tellings."""
ROWS = 48
WAYS = {
    "window": KeptPart("window", ROWS).for_engine,
    "sinks": KeptPart("window", ROWS, 4).for_engine,
    "heavy": KeptPart("heavy", ROWS).for_engine,
    "lot-sinks": KeptPart("random", ROWS, 4).for_engine + ",recent=0.5",
}
"""What is compared, by the names of its lines; the last is the control."""


@dataclass(frozen=True, eq=False)
class Gains:
    """What a first telling was worth.

    Attributes:
        distances: Tokens between both tellings.
        gains: Mean loss of the first telling less that of the second, in nats a token, by the name
            of the line, `FULL` among them: a row a span.
    """

    distances: tuple[int, ...]
    gains: Mapping[str, Float64[np.ndarray, "span distance"]]

    @property
    def n_spans(self) -> int:
        """Spans that were said twice."""
        return int(self.gains[FULL].shape[0])

    def mean(self, name: str) -> Float64[np.ndarray, " distance"]:
        """Return the mean gain of a line at each distance, in nats a token."""
        return self.gains[name].mean(axis=0)

    def error(self, name: str) -> Float64[np.ndarray, " distance"]:
        """Return the standard error of that over spans; 0 where there is one, and nobody knows."""
        found = self.gains[name]
        if len(found) < 2:
            return np.zeros(found.shape[1])
        return found.std(axis=0, ddof=1) / np.sqrt(len(found))

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data, numbers rounded."""
        return {
            "distances": list(self.distances),
            "gains": {name: np.round(one, DIGITS).tolist() for name, one in self.gains.items()},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Gains:
        """Build it from what `to_json` returned."""
        return cls(
            tuple(data["distances"]),
            {name: np.array(one, dtype=np.float64) for name, one in data["gains"].items()},
        )


def said_twice(host: Sequence[int], span: Sequence[int], distance: int) -> list[int]:
    """Return a story with a span in it, and again behind so many more of its tokens.

    Example:
        >>> said_twice(range(1000), [7, 7], 3)[BEFORE:]
        [7, 7, 96, 97, 98, 7, 7]
    """
    between = list(host[BEFORE : BEFORE + distance])
    return [*host[:BEFORE], *span, *between, *span]


def read_needles(
    model: LoadedModel,
    *,
    n_spans: int,
    progress: Callable[[int, int], None],
    cancel: Callable[[], bool],
) -> Gains:
    """Say spans twice at every distance, to every way; for use on a worker thread.

    Args:
        model: A decoder.
        n_spans: How many spans, each of another story.
        progress: Told how many tokens are done, and how many there are.
        cancel: Asked before each token.

    Raises:
        KvvizError: What `kvviz.engine.judge_all` raises.
    """
    texts = list(held_out_stories().values())
    begun = len(model.first_ids)
    stories = [[*model.first_ids, *model.tokenize(text)] for text in texts]
    lengths = [BEFORE + 2 * SPAN + distance - 1 for distance in DISTANCES]
    n_all, n_done = n_spans * sum(lengths), 0
    gains = {name: np.zeros((n_spans, len(DISTANCES))) for name in (FULL, *WAYS)}
    for number in range(n_spans):
        host, other = stories[number % len(texts)], stories[(number + 1) % len(texts)][begun:]
        middle = len(other) // 2
        span = other[middle : middle + SPAN]
        for column, distance in enumerate(DISTANCES):
            before = n_done
            found = judgement(
                model,
                said_twice(host, span, distance),
                list(WAYS.values()),
                n_prompt=1,
                first=BEFORE,
                progress=lambda done, _n, before=before: progress(before + done, n_all),
                cancel=cancel,
            )
            n_done += lengths[column]
            losses = {name: found.caches[words].losses for name, words in WAYS.items()}
            for name, one in {FULL: found.full_losses, **losses}.items():
                gains[name][number, column] = one[:SPAN].mean() - one[-SPAN:].mean()
    return Gains(DISTANCES, gains)
