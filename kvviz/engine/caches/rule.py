"""Which rows a cache lets go of: what it may ask, and what it answers."""

from __future__ import annotations

from typing import ClassVar, NamedTuple, Protocol

import torch
from jaxtyping import Float, Float32, Int64
from torch import Tensor

from kvviz.engine.caches.budget import Budget, rows_by_layer
from kvviz.engine.caches.protocol import RowsPlace


class Candidates(NamedTuple):
    """Rows of some layers, of which some must go.

    Attributes:
        layers: Which layers they are of.
        positions: Where in the text each stands, in any order.
        taken: What the rule took of the weights with which queries read each; None where it takes
            nothing.
        n_written: Rows written so far, those that are gone among them: the position of the next
            query.
    """

    layers: list[int]
    positions: Int64[Tensor, "layer kv_head row"]
    taken: Float32[Tensor, "layer kv_head row"] | None
    n_written: int


class Rule(Protocol):
    """Says for one run which rows go; it sees positions and weights, and never a row.

    Attributes:
        takes_weights: Whether it goes by the weights that attention gave to rows.
        adds_up: Whether what it takes of them at each step is added to what it took before.
    """

    takes_weights: ClassVar[bool]
    adds_up: ClassVar[bool]

    def group(self, layer: int) -> int:
        """Return a number that is the same for layers of which equally many rows are kept."""
        ...

    def n_kept(self, layer: int, n_written: int) -> int:
        """Return how many rows of each head to keep once so many are written, or more than that."""
        ...

    def take(
        self, weights: Float[Tensor, "kv_head shared_head query row"], fed: range
    ) -> Float32[Tensor, "kv_head row"] | None:
        """Return what the rule goes by of the weights of a layer, or None if it needs none.

        Args:
            weights: What each query weighed each row with; heads that share a KV head together.
            fed: Positions of the queries.
        """
        ...

    def worth(self, rows: Candidates) -> Float32[Tensor, "layer kv_head row"]:
        """Return what each row is worth: those worth least go, and infinity stays."""
        ...


class BudgetRule:
    """A rule that keeps so many rows of each layer, whatever the length of the text.

    Args:
        budget: Rows that a query may read, its own among them.
        place: What the rows are rows of.
    """

    takes_weights: ClassVar[bool] = False
    adds_up: ClassVar[bool] = False

    def __init__(self, budget: Budget, place: RowsPlace) -> None:
        # The last token of a run is never fed, and counts for a share.
        self.budgets = rows_by_layer(budget, place.card.n_layers, place.n_positions + 1)

    def group(self, layer: int) -> int:
        """Return the budget of the layer."""
        return self.budgets[layer]

    def n_kept(self, layer: int, n_written: int) -> int:
        """Return one row less than the budget: the next query brings a row of its own."""
        return self.budgets[layer] - 1

    def take(
        self, weights: Float[Tensor, "kv_head shared_head query row"], fed: range
    ) -> Float32[Tensor, "kv_head row"] | None:
        """Take nothing."""
        return None

    def budget_of(self, rows: Candidates) -> int:
        """Return the one budget of the layers of these rows."""
        return self.budgets[rows.layers[0]]


class PromptRule(BudgetRule):
    """A rule by which rows go once, when the prompt has been read; every new row stays.

    A layer that sees a window of positions keeps all of it.

    Args:
        budget: Rows of the prompt that stay.
        place: What the rows are rows of.
    """

    def __init__(self, budget: Budget, place: RowsPlace) -> None:
        self.budgets = rows_by_layer(budget, place.card.n_layers, place.n_prompt)
        self._card, self._n_prompt = place.card, place.n_prompt

    def n_kept(self, layer: int, n_written: int) -> int:
        """Return the budget, and every row that is new."""
        if self._card.window(layer) is not None:
            return n_written
        return min(self.budgets[layer], self._n_prompt) + n_written - self._n_prompt


def held(
    worth: Float32[Tensor, "layer kv_head row"],
    rows: Candidates,
    *,
    n_sinks: int = 0,
    n_recent: int = 1,
) -> Float32[Tensor, "layer kv_head row"]:
    """Return what rows are worth where sinks and recent ones stay.

    Args:
        worth: Of all rows.
        rows: Which those are.
        n_sinks: First positions that stay.
        n_recent: Last positions that the next query reads, its own among them.
    """
    stays = rows.positions > rows.n_written - n_recent
    if n_sinks:
        stays |= rows.positions < n_sinks
    return worth.masked_fill(stays, torch.inf)
