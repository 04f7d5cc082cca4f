"""Threads that run models: none may still be at it when the interpreter ends.

A thread that comes back from torch after that is unwound through C++ that allows no unwinding, and
the process aborts instead of ending.
"""

from __future__ import annotations

import atexit
from collections.abc import Callable
from threading import Event, Thread
from weakref import WeakSet

from kvviz.translation import language, using

LEAVE_WITHIN_S = 20.0
"""Loading a model cannot be cut short; it takes some seconds on a slow disk."""

ending = Event()
"""Set when the interpreter ends; work that takes long looks at it."""

_threads: WeakSet[Thread] = WeakSet()


def start(work: Callable[[], None], name: str) -> Thread:
    """Start a thread that the interpreter waits for, a while, before it ends.

    It speaks the language of who starts it, so that what it has to say can be read.
    """
    spoken = language()

    def run() -> None:
        with using(spoken):
            work()

    thread = Thread(target=run, name=name, daemon=True)
    _threads.add(thread)
    thread.start()
    return thread


@atexit.register
def _let_them_leave() -> None:
    ending.set()
    for thread in list(_threads):
        thread.join(LEAVE_WITHIN_S)
