"""How well two models with one tokenizer foretell the same tokens."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

from kvviz.lessons.held_out import held_out_stories
from kvviz.ui.pages.model_sizes.five_years.pair import NEW, OLD, loaded
from kvviz.ui.work.jobs import Job

if TYPE_CHECKING:
    from kvviz.engine import LoadedModel


@dataclass(frozen=True)
class PairedLoss:
    """What texts cost both models, on the tokens that both can be asked for.

    A model that puts nothing before a text has nothing to foretell its first token by, so that
    neither is asked for it.

    Attributes:
        nats: What they cost in all, the older model first.
        n_tokens: Tokens that were scored.
        n_characters: Characters that these stand for.
    """

    nats: tuple[float, float]
    n_tokens: int
    n_characters: int

    def __add__(self, other: PairedLoss) -> PairedLoss:
        """Return both texts as one."""
        return PairedLoss(
            (self.nats[0] + other.nats[0], self.nats[1] + other.nats[1]),
            self.n_tokens + other.n_tokens,
            self.n_characters + other.n_characters,
        )

    @property
    def bits(self) -> tuple[float, float]:
        """Bits a character."""
        unit = math.log(2) * max(1, self.n_characters)
        return self.nats[0] / unit, self.nats[1] / unit

    @property
    def a_token(self) -> tuple[float, float]:
        """Nats a token."""
        return self.nats[0] / self.n_tokens, self.nats[1] / self.n_tokens

    @property
    def percent_more(self) -> float:
        """By how many percent the newer model's is above the older one's; below 0 it is lower."""
        return 100 * (self.nats[1] / self.nats[0] - 1)


def paired_loss(models: Sequence[LoadedModel], text: str, cancel: Callable[[], bool]) -> PairedLoss:
    """Score a text with both, as ``python -m kvviz loss`` does.

    Raises:
        KvvizError: What `kvviz.engine.text_loss` raises.
    """
    from kvviz.engine import text_loss

    found = [text_loss(model, text, cancel=cancel) for model in models]
    common = reduce(np.intersect1d, (one.positions for one in found))
    old, new = (float(one.losses[np.isin(one.positions, common)].sum()) for one in found)
    return PairedLoss((old, new), len(common), min(one.n_characters for one in found))


_stories: list[PairedLoss] = []
"""What the stories cost, once it is known: neither they nor the weights change while the app
runs."""


def n_pieces() -> int:
    """Return in how many pieces `held_out_loss` is done."""
    return len(held_out_stories())


def held_out_loss(job: Job, n_done: int, n: int) -> PairedLoss:
    """Score the held-out stories with both models, once for all who ask.

    Args:
        job: Told of each story, and asked before each whether it is still wanted.
        n_done: Pieces of the job that are done.
        n: All pieces of it.

    Raises:
        KvvizError: What `paired_loss` raises.
    """
    if not _stories:
        models = [loaded(name) for name in (OLD, NEW)]
        found: list[PairedLoss] = []
        for text in held_out_stories().values():
            found.append(paired_loss(models, text, job.cancelled))
            job.report(n_done + len(found), n)
        _stories[:] = [reduce(PairedLoss.__add__, found)]
    return _stories[0]
