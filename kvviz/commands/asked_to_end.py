"""Ctrl-C and the end of the process as a question that work asks where it can act on the answer."""

from __future__ import annotations

import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager
from threading import Event


@contextmanager
def asked_to_end() -> Generator[Callable[[], bool]]:
    """Give what tells whether Ctrl-C was pressed or the process was asked to end.

    An exception could come at any moment, also just after a process was started and before anybody
    would end it; a question is asked where the answer can be acted on.
    """
    asked = Event()
    before = {
        number: signal.signal(number, lambda *_unused: asked.set())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield asked.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
