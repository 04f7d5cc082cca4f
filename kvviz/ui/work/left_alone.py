"""What is given back once everybody has left: kept runs, what was drawn of them, and sessions.

A class leaves half a gigabyte behind. Runs are kept for whoever asks next, and Streamlit keeps a
session for two minutes, should its tab come back, and then until another one ends.
"""

from __future__ import annotations

import asyncio
import ctypes
import logging
import sys
import time
from contextlib import suppress

from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit.runtime import Runtime

from kvviz.ui.work import jobs
from kvviz.ui.work.full_collections import collect_all
from kvviz.ui.work.runs import kept_runs
from kvviz.ui.work.shared_drawings import shared_drawings

AFTER_S = 150.0
"""Longer than Streamlit waits for a tab to come back."""
LOOKS_EVERY_S = 10.0
N_HEAPS = 2
_M_ARENA_MAX = -8
"""As `malloc.h` of the GNU C library has it."""

log = logging.getLogger(__name__)


class Visitors:
    """How many tabs are there, by their websockets.

    Attributes:
        n_present: Tabs now.
    """

    def __init__(self) -> None:
        self.n_present = 0
        self._changed = time.monotonic()

    @property
    def alone_s(self) -> float:
        """For how many seconds nobody has been there; 0 while somebody is."""
        return 0.0 if self.n_present else time.monotonic() - self._changed

    def change(self, by: int) -> None:
        """Take in that a tab has come or gone. Everybody is heard of on the one loop."""
        self.n_present += by
        self._changed = time.monotonic()


visitors = Visitors()
"""Those of this process."""


class CountVisitors:
    """Count the websockets that are open."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "websocket":
            await self._app(scope, receive, send)
            return
        visitors.change(1)
        try:
            await self._app(scope, receive, send)
        finally:
            visitors.change(-1)


async def give_back_when_alone() -> None:
    """Give back, once each time that everybody has left, for as long as this is not cancelled."""
    while True:
        while visitors.alone_s < AFTER_S or jobs.n_under_way():
            await asyncio.sleep(LOOKS_EVERY_S)
        give_back()
        while not visitors.n_present:
            await asyncio.sleep(LOOKS_EVERY_S)


def keep_few_heaps() -> bool:
    """Let all threads take memory from few heaps; return whether that could be said.

    Each visit is drawn by a thread of its own, and the C library gives threads up to eight heaps a
    core, each of which keeps what lies between things that live longer. Sixty visits left 40 MB
    less behind with two.
    """
    return _tell_allocator("mallopt", _M_ARENA_MAX, N_HEAPS) == 1


def _tell_allocator(function: str, *numbers: int) -> int | None:
    """Call a function of the GNU C library; None where there is no such."""
    if sys.platform != "linux":
        return None
    with suppress(OSError, AttributeError):
        return getattr(ctypes.CDLL(None), function)(*numbers)
    return None


def give_back() -> None:
    """Forget what is kept for others. It is called where Streamlit's sessions may be looked at."""
    kept_runs().forget()
    shared_drawings.forget()
    if Runtime.exists():
        # Streamlit takes down a session whose time is over when it counts them, and has no other
        # way to ask for that.
        with suppress(AttributeError):
            len(Runtime.instance()._session_mgr._session_storage._cache)  # pyright: ignore[reportPrivateUsage, reportAttributeAccessIssue]
    # What a session held goes round in circles, which are looked for when much is being made.
    collect_all()
    # What was freed stays with the process where other things lie above it.
    _tell_allocator("malloc_trim", 0)
    log.info("Nobody is there: what was kept for others has been given back.")
