"""Load torch and the default model in the background, so that the first run need not wait.

The start page is drawn without either. Importing them takes the interpreter's attention for many
seconds, so this begins when the first page has been drawn, or a few seconds after the start.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from threading import Lock, Thread, Timer
from typing import Any

from kvviz.errors import KvvizError

PATIENCE_S = 6.0

log = logging.getLogger(__name__)
_once = Lock()


def begin() -> None:
    """Start loading on a thread, once in the life of the process."""
    if _once.acquire(blocking=False):
        Thread(target=_load, name="kvviz-preload", daemon=True).start()


def _load() -> None:
    from kvviz.ui.links import RunSettings
    from kvviz.ui.model_roles import induction_heads
    from kvviz.ui.model_shelf import shelf

    try:
        induction_heads(shelf().get(RunSettings()))
    except KvvizError as error:
        log.warning("The default model could not be loaded ahead of time: %s", error)


@asynccontextmanager
async def lifespan(app: Any) -> AsyncIterator[dict[str, Any]]:
    """Begin loading soon after the server is up, also if nobody comes."""
    timer = Timer(PATIENCE_S, begin)
    timer.daemon = True
    timer.start()
    yield {}
    timer.cancel()
