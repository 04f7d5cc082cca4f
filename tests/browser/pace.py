"""How slow this machine is just now, by which the browser tier waits longer.

A limit is meant for a machine of usual speed. A borrowed one can have a third of it, with which to
read Plotly and draw a chart takes 6 s, and more than 10 beside another worker (measured), so that
the same limit in seconds would end a test in which nothing is wrong.
"""

from __future__ import annotations

import time

N_ADDITIONS = 5_000_000
USUAL_S = 0.4
"""What so many additions take in this Python at usual speed, measured."""

USUAL = 1.25
"""Up to which a machine has usual speed. One that is slower is shared with others, and was seen to
become twice as slow within seconds: its limits are twice as long as what is measured calls for."""

MOST = 4.0
"""A limit grows no further: a test that hangs is to end."""


def slowness() -> float:
    """Return by how much longer than on a machine of usual speed is to be waited here.

    Returns:
        1 to `MOST`; a fast machine has no shorter limits.
    """
    begun = time.perf_counter()
    total = 0
    for number in range(N_ADDITIONS):
        total += number
    measured = (time.perf_counter() - begun) / USUAL_S
    return 1.0 if measured < USUAL else min(MOST, 2 * measured)


SLOWNESS = slowness()
"""Of this process, when the first of its tests was collected."""


def at_this_pace(milliseconds: int) -> int:
    """Return a limit that is meant for a machine of usual speed, in milliseconds of this one."""
    return round(milliseconds * SLOWNESS)
