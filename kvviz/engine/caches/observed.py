"""Rows of the prompt that its last queries look at: SnapKV."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float, Float32
from torch import Tensor
from torch.nn.functional import max_pool1d

from kvviz.engine.caches.budget import (
    Amount,
    Budget,
    check_room,
    checked_budget,
    checked_count,
)
from kvviz.engine.caches.kept_rows import KeptRows
from kvviz.engine.caches.protocol import RowsPlace
from kvviz.engine.caches.rule import Candidates, PromptRule
from kvviz.errors import OptionsError
from kvviz.translation import N_, ngettext
from kvviz.translation import gettext as _


@dataclass(frozen=True)
class Observed:
    """Keep those rows of the prompt that its last queries gave most weight, and every new row.

    Rows go once, when the prompt has been read. Those of the last queries themselves stay. A layer
    that sees a window of positions keeps all of it.

    Args:
        budget: Rows of the prompt that stay in each head; one number or one a layer.
        window: How many of the last queries of the prompt are asked.
        pooling: Over how many neighbours the largest weight is taken, an odd number; 1 for none.

    Raises:
        OptionsError: If a setting is none, or the last queries' own rows leave no room.

    Source: Li et al. (2024), “SnapKV: LLM knows what you are looking for before generation”,
    section 4 and listing 1.
    """

    budget: Budget | Sequence[Amount]
    window: int = 16
    pooling: int = 5

    name: ClassVar[str] = "observed"
    summary: ClassVar[str] = N_("Rows of the prompt that its last queries look at stay.")
    keeps_rows: ClassVar[bool] = True
    for_every_decoder: ClassVar[bool] = True

    def __post_init__(self) -> None:
        budget = checked_budget("budget", self.budget)
        object.__setattr__(self, "budget", budget)
        checked_count("window", self.window, at_least=1)
        checked_count("pooling", self.pooling, at_least=1)
        if self.pooling % 2 == 0:
            raise OptionsError(
                _("pooling must be an odd number of neighbours."),
                found=_("Found {found!r}.").format(found=self.pooling),
                fix=_("Change it and run again."),
            )
        check_room(
            budget,
            self.window - 1,
            ngettext(
                "The row of {n} last query", "The rows of {n} last queries", self.window
            ).format(n=self.window),
        )

    def rows(self, place: RowsPlace) -> KeptRows:
        """Make room for the rows of a run."""
        return KeptRows(_ByLastQueries(self, place), place)


class _ByLastQueries(PromptRule):
    takes_weights: ClassVar[bool] = True
    adds_up: ClassVar[bool] = True

    def __init__(self, cache: Observed, place: RowsPlace) -> None:
        super().__init__(checked_budget("budget", cache.budget), place)
        self._first = max(0, place.n_prompt - cache.window)
        self._pooling = cache.pooling

    def take(
        self, weights: Float[Tensor, "kv_head shared_head query row"], fed: range
    ) -> Float32[Tensor, "kv_head row"] | None:
        """Take the weights of the last queries of the prompt."""
        if fed.start >= self._n_prompt:
            return None
        asked = weights[..., max(0, self._first - fed.start) :, :]
        return asked.sum((1, 2), dtype=torch.float32)

    def worth(self, rows: Candidates) -> Float32[Tensor, "layer kv_head row"]:
        """Return the largest weight near each row; rows of the last queries stay."""
        if rows.taken is None:  # only what falls out of windows goes after the prompt
            return rows.positions.float()
        # The prompt is there in order, all of it. Pooling does not reach into the last queries.
        before = rows.taken[..., : self._first]
        pooled = max_pool1d(before, self._pooling, stride=1, padding=self._pooling // 2)
        worth = torch.full_like(rows.taken, torch.inf)
        worth[..., : self._first] = pooled
        return worth
