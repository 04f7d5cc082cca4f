"""What pages make of a run in order to draw it, made once for all who look at the same run."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from threading import Lock
from typing import Any, TypeVar, cast

from kvviz.translation import language
from kvviz.ui.shell.served_bytes import ServedBytes

MOST_BYTES = 96 * 2**20
N_BYTES_AT_LEAST = 64 * 2**10
"""What is counted for a thing whose size is not known, such as a figure."""

Made = TypeVar("Made")


class SharedDrawings:
    """Keep what was made of runs, up to so many bytes; what nobody asked for longest goes first.

    What was made last stays in any case: a browser is on its way to fetch it.

    A class that follows one link looks at one run: packing it for the player took a quarter of the
    server's time for a visitor, drawing its chart a tenth. What is kept is not to be changed.

    Args:
        most_bytes: What all of it may take together.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        # A run is held with what was made of it, so that no other run takes its identity.
        self._kept: OrderedDict[Hashable, tuple[object, Future[Any]]] = OrderedDict()
        # What is made is counted once: a class keeps hundreds of drawings, and adds to them often.
        self._sizes: dict[Hashable, int] = {}
        self._n_bytes = 0
        self._lock = Lock()

    @property
    def n_bytes(self) -> int:
        """What is kept takes so much."""
        with self._lock:
            return self._n_bytes

    def of(self, run: object, what: Hashable, make: Callable[[], Made]) -> Made:
        """Return what is made of a run, in the language of who asks; made here if it is not kept.

        Args:
            run: The very run: another one that is equal has its own.
            what: Tells it from all else that is made of a run.
            make: Makes it. Whoever asks meanwhile waits for it.

        Raises:
            Exception: What making it raises, to all who wait; it is then made anew when asked for.
        """
        key = (id(run), what, language())
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None:
                self._kept.move_to_end(key)
            else:
                future: Future[Made] = Future()
                self._kept[key] = run, future
        if kept is not None:
            return cast("Future[Made]", kept[1]).result()
        try:
            made = make()
        except BaseException as error:
            with self._lock:
                self._kept.pop(key, None)
            future.set_exception(error)
            raise
        future.set_result(made)
        self._count(key, future, made)
        return made

    def forget(self) -> None:
        """Keep nothing any more."""
        with self._lock:
            self._kept.clear()
            self._sizes.clear()
            self._n_bytes = 0

    def _count(self, key: Hashable, future: Future[Any], made: object) -> None:
        """Count what was made, and forget what is too much besides it."""
        with self._lock:
            if self._kept.get(key, (None, None))[1] is not future:
                return  # all was forgotten while it was made
            self._sizes[key] = _size(made)
            self._n_bytes += self._sizes[key]
            for old in [*self._kept][:-1] if self._n_bytes > self._most_bytes else ():
                if self._n_bytes <= self._most_bytes:
                    return
                if old in self._sizes:
                    self._n_bytes -= self._sizes.pop(old)
                    del self._kept[old]


def _size(made: object) -> int:
    n_bytes = len(made.data) if isinstance(made, ServedBytes) else 0
    return max(n_bytes, N_BYTES_AT_LEAST)


shared_drawings = SharedDrawings()
"""Those of this process."""
