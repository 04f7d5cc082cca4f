"""Where a browser fetches what there is of a run while it is made.

It asks again and again by itself, as a bar of progress does (`kvviz.ui.work.job_endpoint`): no
script of a page is run for it, which would meet what a person does in the player meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from contextlib import suppress
from functools import partial
from urllib.parse import parse_qs

from starlette.responses import Response
from starlette.types import Scope

from kvviz.errors import KvvizError
from kvviz.translation import using
from kvviz.ui.rooms import Process
from kvviz.ui.shell.path_endpoint import PathEndpoint
from kvviz.ui.work import jobs
from kvviz.ui.work.job_endpoint import ADDRESS, kept_back_s

log = logging.getLogger(__name__)

LEAST_S, MOST_S = 2.0, 8.0
A_JOB_S = 0.1
"""How long an answer is kept back where there is nothing new: from one who waits alone, since a
server that is stopped answers first, to a line of many who ask for what does not come yet."""

_ASKED = re.compile(rf"/{ADDRESS}/([\w-]{{1,64}})/run$")
"""Wherever the app is mounted."""
_NUMBER = re.compile(r"[0-9]{1,6}")


def address(job: jobs.Job) -> str:
    """Return where a job's run is asked for, below the app's own address."""
    # not for people: an address
    return Process.read().address(f"{ADDRESS}/{job.key}/run")


class GrowingEndpoint(PathEndpoint):
    """Answer with the player's buffer of a run as it stands; pass on every other request.

    ``GET …/key/run?since=9&layer=2&head=3`` is answered when there are more than so many rows, with
    those rows, and without (204) where none came for a while. With ``anew=1``, where another layer
    is looked at than before, it is answered at once. An empty answer says that there will be no
    more: the run is over, or is none that can be shown.
    """

    PATH = _ASKED

    async def answer(self, asked: re.Match[str], scope: Scope) -> Response:
        """Return what there is of a run."""
        query = {
            name: int(values[-1])
            for name, values in parse_qs(scope.get("query_string", b"").decode("latin-1")).items()
            if _NUMBER.fullmatch(values[-1])
        }
        body = b""
        if scope["method"] == "GET":
            try:
                body = await _more(asked[1], query)
            except KvvizError as error:
                log.info("A run is not shown while it is made: %s", error)
        return Response(
            body or b"",
            204 if body is None else 200,
            {"cache-control": "no-store", "x-content-type-options": "nosniff"},
            "application/octet-stream",
        )


def _kept_back_s() -> float:
    return min(max(LEAST_S, jobs.n_under_way() * A_JOB_S), MOST_S)


async def _more(key: str, query: dict[str, int]) -> bytes | None:
    """Return what has come of a job's run, None if nothing has, nothing at all if no more comes.

    Args:
        key: Of the job.
        query: Rows that are there already (``since``), ``layer`` and ``head`` that are looked at,
            and whether none of the rows are of that layer (``anew``), as far as they were said.

    Raises:
        PayloadError: If the run is too large to be shown.
    """
    job = jobs.find(key)
    if job is None or job.look is None:
        return b""
    n_held, until = query.get("since", 0), time.monotonic() + _kept_back_s()
    place = (query["layer"], query["head"]) if {"layer", "head"} <= query.keys() else None
    job.wait()
    # Many who wait ask as seldom here as they do for their bars.
    wait = max(job.look.not_before - time.monotonic(), kept_back_s(jobs.n_under_way()))
    is_held = not query.get("anew")
    if n_held and is_held:
        await asyncio.sleep(wait)
    loop, more = asyncio.get_running_loop(), asyncio.Event()
    with job.telling(lambda: loop.call_soon_threadsafe(more.set), of_more=True):
        while True:
            more.clear()
            so_far = job.so_far
            # Who asked has been heard before, and perhaps leaves meanwhile.
            if job.phase == "done":
                return b""
            # What was begun anew, since nobody was there for a while, may have fewer.
            if so_far is not None and so_far.n_rows >= n_held + is_held:
                pack = partial(so_far.packed, layer_is_held=is_held)
                with using(job.language):
                    return await asyncio.to_thread(pack, job.look, n_held, place)
            with suppress(TimeoutError):
                await asyncio.wait_for(more.wait(), max(0.0, until - time.monotonic()))
            if not more.is_set():
                return None
