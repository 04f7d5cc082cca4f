"""Rows that are kept by chance: the control of every rule that goes by a score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float32
from torch import Tensor

from kvviz.engine.caches.budget import (
    Amount,
    Budget,
    check_room,
    checked_budget,
    checked_count,
    checked_share,
    checked_switch,
)
from kvviz.engine.caches.kept_rows import KeptRows
from kvviz.engine.caches.protocol import RowsPlace
from kvviz.engine.caches.recent import n_recent
from kvviz.engine.caches.rule import BudgetRule, Candidates, PromptRule, held
from kvviz.translation import N_, ngettext


@dataclass(frozen=True)
class Random:
    """Keep rows drawn by lot, beside the last ones and sinks; each head draws its own.

    Whenever a row must go, all that may draw a number, and the least goes: the rule that goes by a
    score, with the score left out. The same seed keeps the same rows.

    Args:
        budget: Rows that a query reads in each head, its own among them; one number or one a layer.
        recent: Which share of them are the last rows.
        sinks: First positions that stay for good, within the budget.
        seed: Of the lot.
        once: Whether rows go once, when the prompt has been read: the budget is then of rows of the
            prompt, and every new row stays.

    Raises:
        OptionsError: If a setting is none, or sinks and last rows leave no room.
    """

    budget: Budget | Sequence[Amount]
    recent: float = 0.5
    sinks: int = 0
    seed: int = 0
    once: bool = False

    name: ClassVar[str] = "random"
    summary: ClassVar[str] = N_("Rows drawn by lot stay, beside the last ones: the control.")
    keeps_rows: ClassVar[bool] = True
    for_every_decoder: ClassVar[bool] = True

    def __post_init__(self) -> None:
        budget = checked_budget("budget", self.budget)
        object.__setattr__(self, "budget", budget)
        object.__setattr__(self, "recent", checked_share("recent", self.recent))
        checked_count("sinks", self.sinks, at_least=0)
        checked_count("seed", self.seed, at_least=0)
        checked_switch("once", self.once)
        check_room(
            budget,
            self.sinks,
            ngettext("{n} sink", "{n} sinks", self.sinks).format(n=self.sinks),
        )

    def rows(self, place: RowsPlace) -> KeptRows:
        """Make room for the rows of a run."""
        rule = _ByLotOnce if self.once else _ByLot
        return KeptRows(rule(self, place), place)


class _ByLot(BudgetRule):
    def __init__(self, cache: Random, place: RowsPlace) -> None:
        super().__init__(checked_budget("budget", cache.budget), place)
        self._recent, self._n_sinks = cache.recent, cache.sinks
        self._generator = torch.Generator().manual_seed(cache.seed)

    def worth(self, rows: Candidates) -> Float32[Tensor, "layer kv_head row"]:
        """Return what each row draws."""
        budget = self.budget_of(rows)
        lots = torch.rand(rows.positions.shape, generator=self._generator)
        n_last = min(n_recent(self._recent, budget), budget - self._n_sinks)
        return held(lots.to(rows.positions.device), rows, n_sinks=self._n_sinks, n_recent=n_last)


class _ByLotOnce(_ByLot, PromptRule):
    """The same lot, drawn once."""
