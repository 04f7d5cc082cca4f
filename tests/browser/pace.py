"""How slow this machine is just now, by which the browser tier waits longer.

A limit is meant for a machine of usual speed. A borrowed one can have a third of it, with which to
read Plotly and draw a chart takes 6 s, and more than 10 beside another worker (measured), so that
the same limit in seconds would end a test in which nothing is wrong.
"""

from __future__ import annotations

import time

USUAL_S = 0.08
"""What a million additions take in this Python at usual speed, measured."""

MOST = 4.0
"""A limit grows no further: a test that hangs is to end."""


def slowness() -> float:
    """Return how many times the usual a fixed piece of work takes here: the best of three tries.

    Returns:
        1 to `MOST`; a fast machine has no shorter limits.
    """
    return min(MOST, max(1.0, min(_seconds() for _ in range(3)) / USUAL_S))


def _seconds() -> float:
    begun = time.perf_counter()
    total = 0
    for number in range(1_000_000):
        total += number
    return time.perf_counter() - begun


SLOWNESS = slowness()
"""Of this process, when the first of its tests was collected."""


def at_this_pace(milliseconds: int) -> int:
    """Return a limit that is meant for a machine of usual speed, in milliseconds of this one."""
    return round(milliseconds * SLOWNESS)
