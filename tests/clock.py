"""A clock that a test moves."""

from __future__ import annotations


class Clock:
    """Seconds, as of `time.monotonic`, that stand still until a test says otherwise."""

    def __init__(self, now: float = 0.0) -> None:
        self.now = now

    def __call__(self) -> float:
        """Return the time."""
        return self.now
