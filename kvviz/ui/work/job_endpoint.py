"""Where the browser asks how far a job is, and says that it is to stop.

It asks here and not through Streamlit. A bar that Streamlit draws is drawn by running the page's
script, several times a second and person, and a click that falls into such a run may go unheard.
"""

from __future__ import annotations

import re

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from kvviz.ui.work import jobs

ADDRESS = "_kvviz/jobs"
"""Below the app's own address; a job's key follows, and for a POST what is said of it."""

_ASKED = re.compile(rf"/{ADDRESS}/([\w-]{{1,64}})(?:/(cancel|left))?")


class JobEndpoint:
    """Answer with what a page draws of a job; pass on every other request.

    ``GET …/key`` answers with a `kvviz.ui.work.jobs.Status`, and with null where the job is of the
    past: a page has taken in what it came to, and a question of its bar may still be on its way.
    ``POST …/key/cancel`` stops it, and answers the same. ``POST …/key/left`` says that the page is
    being closed.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        path = scope["path"].removeprefix(scope.get("root_path", "")) if "path" in scope else ""
        asked = _ASKED.fullmatch(path) if scope["type"] == "http" else None
        if asked is None:
            await self._app(scope, receive, send)
            return
        code, said = answer(asked[1], scope["method"], asked[2])
        answered = JSONResponse(said, code, {"cache-control": "no-store"})
        await answered(scope, receive, send)


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
        job.leave()
        return 200, None
    if said == "cancel":
        job.cancel()
    return 200, job.status()
