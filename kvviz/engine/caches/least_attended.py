"""The row that the present query looks at least goes: TOVA."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from jaxtyping import Float, Float32
from torch import Tensor

from kvviz.engine.caches.budget import Amount, Budget, checked_budget
from kvviz.engine.caches.kept_rows import KeptRows
from kvviz.engine.caches.protocol import RowsPlace
from kvviz.engine.caches.rule import BudgetRule, Candidates
from kvviz.errors import OptionsError
from kvviz.translation import N_
from kvviz.translation import gettext as _

Per = Literal["head", "layer"]


@dataclass(frozen=True)
class LeastAttended:
    """Let the rows go that the last query gave least weight, its own not spared.

    Args:
        budget: Rows that a query reads in each head, its own among them; one number or one a layer.
        per: ``head`` where each KV head lets rows of its own go; ``layer`` where all heads of a
            layer vote by their mean weight, and lose the same positions.

    Raises:
        OptionsError: If a setting is none.

    Source: Oren et al. (2024), “Transformers are multi-state RNNs”, section 3.2; there all heads
    of a layer vote.
    """

    budget: Budget | Sequence[Amount]
    per: Per = "head"

    name: ClassVar[str] = "least-attended"
    summary: ClassVar[str] = N_("The rows that the last query gave least weight go.")
    keeps_rows: ClassVar[bool] = True
    for_every_decoder: ClassVar[bool] = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "budget", checked_budget("budget", self.budget))
        if self.per not in ("head", "layer"):
            raise OptionsError(
                _("Rows are let go per head or per layer."),
                found=_("Found {found!r}.").format(found=self.per)[:200],
                fix=_("Change it and run again."),
            )

    def rows(self, place: RowsPlace) -> KeptRows:
        """Make room for the rows of a run."""
        return KeptRows(_ByLastQuery(self, place), place)


class _ByLastQuery(BudgetRule):
    takes_weights: ClassVar[bool] = True

    def __init__(self, cache: LeastAttended, place: RowsPlace) -> None:
        super().__init__(checked_budget("budget", cache.budget), place)
        self._per_layer = cache.per == "layer"

    def take(
        self, weights: Float[Tensor, "kv_head shared_head query row"], fed: range
    ) -> Float32[Tensor, "kv_head row"]:
        """Take the last query's weights."""
        last = weights[..., -1, :].sum(1, dtype=torch.float32)
        # Where heads hold different rows there is nothing to be summed; here all hold the same.
        return last.sum(0, keepdim=True).expand_as(last) if self._per_layer else last

    def worth(self, rows: Candidates) -> Float32[Tensor, "layer kv_head row"]:
        """Return the last query's weight."""
        assert rows.taken is not None
        return rows.taken
