"""The steps of a race under a machine's two ceilings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kvviz.analysis.bytes_moved import step_bytes
from kvviz.trace import forward_flops
from kvviz.trace.ceilings import Ceilings
from kvviz.trace.race import Race
from kvviz.translation import N_


@dataclass(frozen=True)
class RoofPoint:
    """A step: how much it computes for each byte it moves, and how fast.

    Attributes:
        kind: ``prefill``, ``decode`` (with the cache) or ``full pass`` (without);
            to be translated where it is shown.
        n_new: Rows of a sequence that it computes.
        n_keys: Rows that they attend to.
        flops: Floating-point operations, by formula.
        n_bytes: Bytes moved at the least, by formula.
        seconds: Median of the measured seconds.
    """

    kind: str
    n_new: int
    n_keys: int
    flops: int
    n_bytes: int
    seconds: float

    @property
    def intensity(self) -> float:
        """FLOPs for each byte moved."""
        return self.flops / self.n_bytes

    @property
    def flops_per_second(self) -> float:
        """FLOPs that were done each second."""
        return self.flops / self.seconds


def attainable(ceilings: Ceilings, intensity: float) -> float:
    """Return the FLOPs a second that a machine can reach at most at an intensity.

    Source: Williams, Waterman and Patterson (2009), Roofline, Communications of the ACM 52(4).
    """
    return min(ceilings.flops_per_second, ceilings.bytes_per_second * intensity)


def roof_points(race: Race, n_lengths: int = 4) -> tuple[RoofPoint, ...]:
    """Return the prefill of a race and a few of its later steps on both sides.

    Args:
        race: The race.
        n_lengths: At how many lengths steps are taken, spread from the first to the last.
    """
    spread_out = np.linspace(1, race.n_new - 1, n_lengths).round().astype(int)
    steps = np.unique(spread_out) if race.n_new > 1 else ()
    chosen = [(N_("prefill"), 0), *((N_("decode"), step) for step in steps)]
    chosen += [(N_("full pass"), step) for step in steps]
    points: list[RoofPoint] = []
    for kind, step in chosen:
        n_keys = race.n_prompt + int(step)
        n_new = 1 if kind == "decode" else n_keys
        if kind == "decode" and race.rows is not None:
            n_keys = min(n_keys, race.rows)
        seconds = race.uncached_seconds if kind == "full pass" else race.cached_seconds
        moved = step_bytes(
            race.model, n_new, n_keys, batch=race.batch, use_cache=kind != "full pass"
        )
        points.append(
            RoofPoint(
                kind=kind,
                n_new=n_new,
                n_keys=n_keys,
                flops=forward_flops(race.model, n_new, n_keys) * race.batch,
                n_bytes=moved.total,
                seconds=float(np.median(seconds[:, step])),
            )
        )
    return tuple(points)
