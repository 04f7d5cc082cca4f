"""A run as it stands, told now and then while it goes on."""

from __future__ import annotations

import time
from collections.abc import Callable

from kvviz.trace import GenerationTrace

OnSoFar = Callable[[GenerationTrace], object]

FIRST_AFTER_S = 0.8
"""Who waits for a run that is over by then is better served by the whole of it."""
EVERY_S = 0.5
MOST_SHARE = 0.1
"""Of a run's time, that making its record again and again may take."""


class SoFar:
    """Tells the record of a run while it is made, as often as that costs little.

    Args:
        tell: Given the record, which says that it is under way; None where nobody wants it.
    """

    def __init__(self, tell: OnSoFar | None) -> None:
        self._tell = tell
        self._next = time.monotonic() + FIRST_AFTER_S

    def is_due(self) -> bool:
        """Whether the record is to be made now."""
        return self._tell is not None and time.monotonic() >= self._next

    def tell(self, make: Callable[[], GenerationTrace]) -> None:
        """Make the record and tell it."""
        if self._tell is None:
            return
        start = time.monotonic()
        self._tell(make())
        end = time.monotonic()
        self._next = end + max(EVERY_S, (end - start) / MOST_SHARE)
