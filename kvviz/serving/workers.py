"""Threads that run models: none may still be at it when the interpreter ends.

A thread that comes back from torch after that is unwound through C++ that allows no unwinding, and
the process aborts instead of ending.
"""

from __future__ import annotations

import atexit
from collections.abc import Callable
from threading import Event, Lock, Thread
from weakref import WeakSet

from kvviz.translation import language, using

LEAVE_WITHIN_S = 20.0
"""Loading a model cannot be cut short; it takes some seconds on a slow disk."""

ending = Event()
"""Set when the interpreter ends; work that takes long looks at it."""

_threads: WeakSet[Thread] = WeakSet()
_starting = Lock()
"""Held while one begins, so that what ends the interpreter finds it begun, or not at all."""


def start(work: Callable[[], None], name: str) -> Thread:
    """Start a thread that the interpreter waits for, a while, before it ends.

    It speaks the language of who starts it, so that what it has to say can be read. Once the
    interpreter ends none begins any more.
    """
    spoken = language()

    def run() -> None:
        with using(spoken):
            work()

    thread = Thread(target=run, name=name, daemon=True)
    with _starting:
        if not ending.is_set():
            thread.start()
            _threads.add(thread)
    return thread


@atexit.register
def _let_them_leave() -> None:
    with _starting:
        ending.set()
        threads = list(_threads)
    for thread in threads:
        thread.join(LEAVE_WITHIN_S)
