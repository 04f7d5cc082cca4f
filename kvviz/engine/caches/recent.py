"""How many of the rows that a budget allows are the last ones."""

from __future__ import annotations


def n_recent(share: float, budget: int) -> int:
    """Return how many of the last positions a query reads whatever they are worth.

    Its own is one of them, since its row is made as it asks.

    Args:
        share: Of the budget, from 0 to 1.
        budget: Rows that the query reads, its own among them.
    """
    return max(1, round(share * budget))
