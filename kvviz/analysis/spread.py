"""Median and spread of repeated measurements."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median, quantiles
from typing import TypedDict


class Spread(TypedDict):
    """Repeats of one measurement, in the unit that was measured.

    Attributes:
        median: The middle value.
        low: Lower quartile; the smallest value of fewer than 4.
        high: Upper quartile; the largest value of fewer than 4.
        n: How many there are.
    """

    median: float
    low: float
    high: float
    n: int


def spread(values: Sequence[float]) -> Spread:
    """Return median and quartiles of at least one value."""
    if len(values) < 4:
        low, high = min(values), max(values)
    else:
        low, _, high = quantiles(values, n=4, method="inclusive")
    return Spread(median=median(values), low=low, high=high, n=len(values))
