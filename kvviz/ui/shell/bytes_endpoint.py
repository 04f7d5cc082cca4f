"""Where a browser fetches scripts and buffers of runs (`kvviz.ui.shell.served_bytes`)."""

from __future__ import annotations

import re

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Scope

from kvviz.ui.shell.path_endpoint import PathEndpoint
from kvviz.ui.shell.served_bytes import ADDRESS, find

_ASKED = re.compile(rf"/{ADDRESS}/([0-9a-f]{{64}}(?:\.js)?)$")
"""Wherever the app is mounted: no other name is so long by chance."""


class BytesEndpoint(PathEndpoint):
    """Answer with what is served under a name; pass on every other request.

    Who asks for a buffer that is not there any more gets an answer without one (204), which nobody
    keeps, and asks the page: it happens whenever a page is drawn twice in a moment. A script that
    is not there is an error (404).
    """

    PATH = _ASKED

    async def answer(self, asked: re.Match[str], scope: Scope) -> Response:
        """Return what is served."""
        reads = Headers(scope=scope).get("accept-encoding", "")
        return _answer(asked[1], scope["method"], reads)


def _answer(name: str, method: str, reads: str) -> Response:
    served = find(name)
    if served is None or method not in ("GET", "HEAD"):
        missing = 404 if name.endswith(".js") else 204
        code = missing if served is None else 405
        return Response(status_code=code, headers={"cache-control": "no-store"})
    headers = {"cache-control": served.cache_control, "x-content-type-options": "nosniff"}
    body = served.data
    if served.zipped is not None:
        headers["vary"] = "accept-encoding"
        if "gzip" in reads:
            headers["content-encoding"] = "gzip"
            body = served.zipped
    if method == "HEAD":
        headers["content-length"] = str(len(body))
        body = b""
    return Response(body, headers=headers, media_type=served.media_type)
