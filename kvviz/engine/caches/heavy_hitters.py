"""Rows that have been looked at most, and the last ones: H2O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float, Float32
from torch import Tensor

from kvviz.engine.caches.budget import Amount, Budget, checked_budget, checked_share
from kvviz.engine.caches.kept_rows import KeptRows
from kvviz.engine.caches.protocol import RowsPlace
from kvviz.engine.caches.recent import n_recent
from kvviz.engine.caches.rule import BudgetRule, Candidates, held
from kvviz.translation import N_


@dataclass(frozen=True)
class HeavyHitters:
    """Keep the rows that all queries so far have given most weight, and the last ones.

    Each head keeps its own; query heads that share a KV head add their weights up.

    Args:
        budget: Rows that a query reads in each head, its own among them; one number or one a layer.
        recent: Which share of them are the last rows.

    Raises:
        OptionsError: If a setting is none.

    Source: Zhang et al. (2023), “H2O: heavy-hitter oracle for efficient generative inference of
    large language models”, section 4 and algorithm 1.
    """

    budget: Budget | Sequence[Amount]
    recent: float = 0.5

    name: ClassVar[str] = "heavy-hitters"
    summary: ClassVar[str] = N_("Rows with most weight from all queries so far stay, and the last.")
    keeps_rows: ClassVar[bool] = True
    for_every_decoder: ClassVar[bool] = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "budget", checked_budget("budget", self.budget))
        object.__setattr__(self, "recent", checked_share("recent", self.recent))

    def rows(self, place: RowsPlace) -> KeptRows:
        """Make room for the rows of a run."""
        return KeptRows(_ByWeightSoFar(self, place), place)


class _ByWeightSoFar(BudgetRule):
    takes_weights: ClassVar[bool] = True
    adds_up: ClassVar[bool] = True

    def __init__(self, cache: HeavyHitters, place: RowsPlace) -> None:
        super().__init__(checked_budget("budget", cache.budget), place)
        self._recent = cache.recent

    def take(
        self, weights: Float[Tensor, "kv_head shared_head query row"], fed: range
    ) -> Float32[Tensor, "kv_head row"]:
        """Take the weights of all queries, of all heads that share a KV head."""
        return weights.sum((1, 2), dtype=torch.float32)

    def worth(self, rows: Candidates) -> Float32[Tensor, "layer kv_head row"]:
        """Return the weight that each row was given so far."""
        assert rows.taken is not None
        return held(rows.taken, rows, n_recent=n_recent(self._recent, self.budget_of(rows)))
