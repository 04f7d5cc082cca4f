"""The held-out stories, read with many ways of keeping rows at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float64

from kvviz.lessons.held_out import held_out_stories
from kvviz.ui.pages.cache_lab.judgement import DIGITS, Judgement, judgement
from kvviz.ui.pages.cache_lab.kept_part import KeptPart

if TYPE_CHECKING:
    from kvviz.engine import LoadedModel

BUDGETS = (16, 32, 64)
"""Rows that a query may read."""
SINK_ROWS = 16
SINKS = (0, 1, 2, 4, 8)
"""How many first rows a window of `SINK_ROWS` keeps for good."""


@dataclass(frozen=True)
class Line:
    """A way of keeping rows at any budget.

    Attributes:
        way: A key of `WAYS`.
        sinks: First rows that stay for good.
        recent: Share of the last rows among those drawn by lot; nothing for other ways.
        control: Name of the line that is its control, empty for a control.
    """

    way: str
    sinks: int = 0
    recent: str = ""
    control: str = ""

    def words(self, rows: int) -> str:
        """Return what the engine reads of it at a budget."""
        return KeptPart(self.way, rows, self.sinks).for_engine + self.recent


LINES = {
    "window": Line("window", control="lot"),
    "sinks": Line("window", sinks=4, control="lot-sinks"),
    "heavy": Line("heavy", control="lot"),
    "least": Line("least", control="lot-alone"),
    "lot": Line("random", recent=",recent=0.5"),
    "lot-sinks": Line("random", sinks=4, recent=",recent=0.5"),
    "lot-alone": Line("random", recent=",recent=0"),
}
"""What is compared. A rule that goes by the prompt has nothing to go by in a text that is fed token
by token, so that SnapKV is not among them."""


@dataclass(frozen=True, eq=False)
class Losses:
    """Mean losses of stories.

    Attributes:
        n_read: Tokens that were read of each story.
        n_scored: Those of them that were scored, the last ones.
        full: Mean loss a token of each story with every row kept, in nats.
        more: What each way costs beside it, by the engine's words: a number a story, in nats.
        same: Share of tokens at which the likeliest one is the same, likewise.
        n_bytes: Measured bytes of what was kept at the end of the last story.
        full_bytes: Of every row.
    """

    n_read: int
    n_scored: int
    full: Float64[np.ndarray, " story"]
    more: Mapping[str, Float64[np.ndarray, " story"]]
    same: Mapping[str, Float64[np.ndarray, " story"]]
    n_bytes: Mapping[str, int]
    full_bytes: int

    @property
    def n_stories(self) -> int:
        """Stories that were read."""
        return int(self.full.size)

    def cost(self, words: str) -> tuple[float, float]:
        """Return the mean of what a way costs, and its standard error over stories, in nats.

        The error of a single story is 0: nobody knows it.
        """
        found = self.more[words]
        error = float(found.std(ddof=1) / np.sqrt(found.size)) if found.size > 1 else 0.0
        return float(found.mean()), error

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data, numbers rounded."""
        return {
            "n_read": self.n_read,
            "n_scored": self.n_scored,
            "full": np.round(self.full, DIGITS).tolist(),
            "more": {name: np.round(one, DIGITS).tolist() for name, one in self.more.items()},
            "same": {name: np.round(one, DIGITS).tolist() for name, one in self.same.items()},
            "n_bytes": dict(self.n_bytes),
            "full_bytes": self.full_bytes,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Losses:
        """Build it from what `to_json` returned."""
        arrays = {
            part: {name: np.array(one, dtype=np.float64) for name, one in data[part].items()}
            for part in ("more", "same")
        }
        return cls(
            data["n_read"],
            data["n_scored"],
            np.array(data["full"], dtype=np.float64),
            arrays["more"],
            arrays["same"],
            data["n_bytes"],
            data["full_bytes"],
        )


def all_words(budgets: Sequence[int]) -> list[str]:
    """Return every line at every budget, in the engine's words."""
    return [line.words(rows) for line in LINES.values() for rows in budgets]


def sink_words(rows: int = SINK_ROWS) -> dict[int, str]:
    """Return windows of so many rows in all, by their sinks, in the engine's words."""
    return {sinks: KeptPart("window", rows, sinks).for_engine for sinks in SINKS}


def read_stories(
    model: LoadedModel,
    words: Sequence[str],
    *,
    n_read: int,
    n_stories: int,
    progress: Callable[[int, int], None],
    cancel: Callable[[], bool],
) -> Losses:
    """Feed stories token by token to every way; the second half of each is scored.

    So the budget holds at every query, and is full before the first token that counts.

    Args:
        model: A decoder.
        words: The ways.
        n_read: Tokens of each story.
        n_stories: How many stories, from the first on.
        progress: Told how many tokens are done, and how many there are.
        cancel: Asked before each token.

    Raises:
        KvvizError: What `kvviz.engine.judge_all` raises.
    """
    found = judgements_of_stories(
        model, words, n_read=n_read, n_stories=n_stories, progress=progress, cancel=cancel
    )
    return Losses(
        n_read,
        found[0].n_scored,
        np.array([one.full_loss for one in found]),
        {name: np.array([float(one.more(name).mean()) for one in found]) for name in words},
        {name: np.array([float(one.caches[name].same.mean()) for one in found]) for name in words},
        {name: found[-1].caches[name].n_bytes for name in words},
        found[-1].full_bytes,
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
    """Return what each story came to, token by token; see `read_stories`."""
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
