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
        self._lock = Lock()

    @property
    def n_bytes(self) -> int:
        """What is kept takes so much."""
        with self._lock:
            return sum(_size(made) for _, made in self._kept.values())

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
        self._forget_some()
        return made

    def forget(self) -> None:
        """Keep nothing any more."""
        with self._lock:
            self._kept.clear()

    def _forget_some(self) -> None:
        with self._lock:
            n_bytes = sum(_size(made) for _, made in self._kept.values())
            for key, (_, made) in list(self._kept.items())[:-1]:
                if n_bytes <= self._most_bytes:
                    return
                if made.done():
                    n_bytes -= _size(made)
                    del self._kept[key]


def _size(made: Future[Any]) -> int:
    if not made.done() or made.exception() is not None:
        return 0
    found = made.result()
    n_bytes = len(found.data) if isinstance(found, ServedBytes) else 0
    return max(n_bytes, N_BYTES_AT_LEAST)


shared_drawings = SharedDrawings()
"""Those of this process."""
