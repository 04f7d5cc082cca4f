"""How many times faster a race was with the cache, and why not as many times as it does less."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from kvviz.analysis.cost import step_costs, token_passes
from kvviz.analysis.kept_bytes import Keeping
from kvviz.analysis.spread import Spread, spread
from kvviz.trace.race import Race

RULE = (2.0, 4.0)
"""The rule of thumb that people quote: caching makes generation two to four times as fast."""


@dataclass(frozen=True, eq=False)
class SpeedUps:
    """Seconds without the cache over seconds with it, for the first n tokens of a race.

    Attributes:
        n_new: Tokens generated after the prompt, from 1 on.
        median: Median over the repeats.
        low: Lower quartile of the repeats; the smallest of fewer than 4.
        high: Upper quartile; the largest of fewer than 4.
    """

    n_new: Int64[np.ndarray, " length"]
    median: Float64[np.ndarray, " length"]
    low: Float64[np.ndarray, " length"]
    high: Float64[np.ndarray, " length"]

    @property
    def last(self) -> float:
        """The median for the whole race."""
        return float(self.median[-1])

    def lasting_from(self, factor: float) -> int | None:
        """Return the number of tokens from which on the median stays at or above a factor.

        None if the race ends below it.
        """
        below = np.flatnonzero(self.median < factor)
        if not below.size:
            return int(self.n_new[0])
        return int(self.n_new[below[-1] + 1]) if below[-1] + 1 < self.n_new.size else None

    def n_below(self, factor: float) -> int:
        """Return at how many of the lengths the median lies below a factor."""
        return int((self.median < factor).sum())


def speed_ups(race: Race) -> SpeedUps:
    """Return the speed-up against length.

    A race of N tokens tells it for every n up to N, since its first n steps are a race of n. In
    each repeat the two sides that ran next to each other are compared.
    """
    ratios = race.uncached_seconds.cumsum(axis=1) / race.cached_seconds.cumsum(axis=1)
    spreads = [spread(column.tolist()) for column in ratios.T]
    return SpeedUps(
        n_new=np.arange(1, race.n_new + 1),
        median=np.array([one["median"] for one in spreads]),
        low=np.array([one["low"] for one in spreads]),
        high=np.array([one["high"] for one in spreads]),
    )


@dataclass(frozen=True)
class SideTimes:
    """What the whole race took on both sides, and how many tokens a second that makes.

    Attributes:
        cached: Seconds with the cache.
        uncached: Seconds without.
        n_tokens: Tokens generated, of all sequences.
    """

    cached: Spread
    uncached: Spread
    n_tokens: int

    @property
    def cached_rate(self) -> float:
        """Tokens a second with the cache, by the median."""
        return self.n_tokens / self.cached["median"]

    @property
    def uncached_rate(self) -> float:
        """Tokens a second without."""
        return self.n_tokens / self.uncached["median"]


def side_times(race: Race) -> SideTimes:
    """Return the seconds of each side from the prompt to the last token."""
    return SideTimes(
        spread(race.cached_seconds.sum(axis=1).tolist()),
        spread(race.uncached_seconds.sum(axis=1).tolist()),
        race.n_new * race.batch,
    )


@dataclass(frozen=True)
class Gap:
    """How many times less the cache makes of a race: in work, and in time.

    Attributes:
        passes: Token passes through the network without the cache over those with it, counted.
        flops: The same of floating-point operations, by formula.
        seconds: The same of measured time, by the median.
        n_rows: Rows of a sequence that the last step without the cache computed.
        row_alone: Median seconds of a step that computes one row with the cache; None if the race
            had no such step.
        row_among: Median seconds of the last step without the cache, for each of its rows.
    """

    passes: float
    flops: float
    seconds: float
    n_rows: int
    row_alone: float | None
    row_among: float


def gap(race: Race) -> Gap:
    """Compare work saved with time saved."""
    n_prompt, n_new, keeping = race.n_prompt, race.n_new, Keeping(rows=race.rows)
    passes = [token_passes(n_prompt, n_new, use_cache=on) for on in (True, False)]
    flops = [
        int(step_costs(race.model, n_prompt, n_new, use_cache=on, keeping=keeping).flops.sum())
        for on in (True, False)
    ]
    n_rows = n_prompt + n_new - 1
    decode = race.cached_seconds[:, 1:]
    return Gap(
        passes=passes[1] / passes[0],
        flops=flops[1] / flops[0],
        seconds=speed_ups(race).last,
        n_rows=n_rows,
        row_alone=float(np.median(decode)) if decode.size else None,
        row_among=float(np.median(race.uncached_seconds[:, -1])) / n_rows,
    )
