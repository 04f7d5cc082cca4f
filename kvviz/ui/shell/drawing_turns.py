"""Whose turn it is to draw a page: so many at a time, in the order in which they came.

Scripts that draw at the same time hand the interpreter to one another in the middle of everything.
Sixty of them took twice the processor's time that they take one after another, and the first was
done when the last was.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from contextlib import contextmanager
from threading import Event, Lock, local

PLACES = 2
"""One draws while what the other has drawn is hashed and sent, which lets go of the interpreter."""
MOST_WAIT_S = 3.0
"""Who has waited for so long goes on without a place: a script may have been held up."""


class DrawingTurns:
    """Let so many threads draw at a time.

    Args:
        n_places: How many, at least 1.
        most_wait_s: Seconds after which a thread goes on without a place.
    """

    def __init__(self, n_places: int = PLACES, most_wait_s: float = MOST_WAIT_S) -> None:
        self._n_free = n_places
        self._most_wait_s = most_wait_s
        self._waiting: deque[Event] = deque()
        self._lock = Lock()
        self._mine = local()

    @contextmanager
    def turn(self) -> Generator[None]:
        """Draw inside the ``with``. Part of a drawing that has its turn already needs no other."""
        if self._is_drawing:
            yield
            return
        self._begin()
        try:
            yield
        finally:
            self._end()

    @contextmanager
    def away(self) -> Generator[None]:
        """Wait for something inside the ``with``: others may draw meanwhile."""
        if not self._is_drawing:
            yield
            return
        self._end()
        try:
            yield
        finally:
            self._begin()

    @property
    def _is_drawing(self) -> bool:
        return getattr(self._mine, "is_drawing", False)

    def _begin(self) -> None:
        self._mine.has_place = self._take()
        self._mine.is_drawing = True

    def _end(self) -> None:
        self._mine.is_drawing = False
        if self._mine.has_place:
            self._give()

    def _take(self) -> bool:
        """Wait for a place; return whether there is one."""
        with self._lock:
            if self._n_free:
                self._n_free -= 1
                return True
            called = Event()
            self._waiting.append(called)
        if called.wait(self._most_wait_s):
            return True
        with self._lock:
            # It may have been called just now.
            if called.is_set():
                return True
            self._waiting.remove(called)
            return False

    def _give(self) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._n_free += 1


drawing_turns = DrawingTurns()
"""Those of this process."""
