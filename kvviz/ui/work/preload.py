"""Load torch and the default model in the background, so that the first run need not wait.

The start page is drawn without either. Importing them takes the interpreter's attention for many
seconds, so this begins when the browser has had time to fetch what the first page is made of.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from threading import Lock, Timer
from typing import Any

from kvviz.errors import KvvizError
from kvviz.serving import workers
from kvviz.ui.work.full_collections import pass_over_what_is_there
from kvviz.ui.work.left_alone import give_back_when_alone, keep_few_heaps
from kvviz.ui.work.switch_interval import shorten_switch_interval

AFTER_A_PAGE_S = 1.0
AFTER_THE_START_S = 6.0

log = logging.getLogger(__name__)
_once = Lock()


def begin(delay_s: float = AFTER_A_PAGE_S) -> Timer:
    """Start loading on a thread after so many seconds, once in the life of the process.

    Returns:
        The clock, which can be stopped until then.
    """
    timer = Timer(delay_s, workers.start, (_load, "kvviz-preload"))
    timer.daemon = True
    if not _once.locked():
        timer.start()
    return timer


def _load() -> None:
    from kvviz.ui.work.model_roles import induction_heads
    from kvviz.ui.work.model_store import model_store
    from kvviz.ui.work.run_settings import RunSettings

    if workers.ending.is_set() or not _once.acquire(blocking=False):
        return
    try:
        induction_heads(model_store().get(RunSettings()))
    except KvvizError as error:
        log.warning("The default model could not be loaded ahead of time: %s", error)
    pass_over_what_is_there()


@asynccontextmanager
async def lifespan(app: Any) -> AsyncIterator[dict[str, Any]]:
    """Begin loading soon after the server is up, also if nobody comes; give back when all left."""
    shorten_switch_interval()
    keep_few_heaps()
    timer = begin(AFTER_THE_START_S)
    giving_back = asyncio.create_task(give_back_when_alone())
    yield {}
    giving_back.cancel()
    timer.cancel()
