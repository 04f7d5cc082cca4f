"""Where the browser asks how far a job is, and says that it is to stop.

It asks here and not through Streamlit. A bar that Streamlit draws is drawn by running the page's
script, several times a second and person, and a click that falls into such a run may go unheard.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress

from starlette.responses import JSONResponse, Response
from starlette.types import Scope

from kvviz.ui.shell.path_endpoint import PathEndpoint
from kvviz.ui.work import jobs

ADDRESS = "_kvviz/jobs"
"""Below the app's own address; a job's key follows, and for a POST what is said of it."""

LATER = b"later"
"""Query of a question that is answered once there is something to tell."""
LEAST_S, MOST_S = 0.25, 2.0
"""How long an answer is kept back unless the work is over: from a person who is alone, who sees the
bar move, to a class, which is told some thirty times a second in all."""
A_JOB_S = 0.03

_ASKED = re.compile(rf"/{ADDRESS}/([\w-]{{1,64}})(?:/(cancel|aside|left))?$")
"""Wherever the app is mounted."""


class JobEndpoint(PathEndpoint):
    """Answer with what a page draws of a job; pass on every other request.

    ``GET …/key`` answers with a `kvviz.ui.work.jobs.Status`, and with null where the job is of the
    past: a page has taken in what it came to, and a question of its bar may still be on its way.
    ``GET …/key?later`` is answered when the work is over, and a while after it was asked if not.
    ``POST …/key/cancel`` stops it, and answers the same. ``POST …/key/aside`` says that the bar is
    taken off its page, ``POST …/key/left`` that the page is being closed.
    """

    PATH = _ASKED

    async def answer(self, asked: re.Match[str], scope: Scope) -> Response:
        """Return what a page draws of a job."""
        code, said = answer(asked[1], scope["method"], asked[2])
        if scope.get("query_string") == LATER:
            said = await _later(asked[1], said)
        return JSONResponse(said, code, {"cache-control": "no-store"})


async def _later(key: str, said: jobs.Status | None) -> jobs.Status | None:
    """Return what is to be told of a job when it is over or a while has passed.

    Who asked has been heard before, and perhaps leaves meanwhile.

    Args:
        key: Of the job.
        said: What is to be told now.
    """
    job = jobs.find(key)
    if job is None or said is None or said["over"]:
        return said
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    with job.telling(lambda: loop.call_soon_threadsafe(over.set)), suppress(TimeoutError):
        await asyncio.wait_for(over.wait(), kept_back_s(jobs.n_under_way()))
    return job.status()


def kept_back_s(n_jobs: int) -> float:
    """Return the seconds after which one of so many jobs is told of that is not over."""
    return min(max(LEAST_S, n_jobs * A_JOB_S), MOST_S)


def answer(key: str, method: str, said: str | None) -> tuple[int, jobs.Status | None]:
    """Take in what is said of a job and return the answer: its code and what it holds.

    Args:
        key: Of the job.
        method: Of the request.
        said: What follows the key in the address, or None.
    """
    if method != ("GET" if said is None else "POST"):
        return 405, None
    job = jobs.find(key)
    if job is None:
        return 200, None
    if said == "left":
        job.attendance.closes()
        return 200, None
    if said == "aside":
        job.attendance.bar_goes()
        return 200, None
    if said == "cancel":
        job.cancel()
    job.attendance.bar_asks()
    return 200, job.status()
