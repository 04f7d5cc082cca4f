"""The other end of a connection, kept where the server would put a header's word in its place.

uvicorn believes `X-Forwarded-For` of everybody who connects from this machine, which is what a
proxy on it does: a visitor behind one that passes the header on could take any address.
"""

from __future__ import annotations

import uvicorn.config
from starlette.types import Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from kvviz.ui.shell.visitor import PEER


class KeepPeer(ProxyHeadersMiddleware):
    """As uvicorn's own, but the scope says besides who is at the other end."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "lifespan":
            scope[PEER] = scope.get("client")
        await super().__call__(scope, receive, send)  # pyright: ignore[reportArgumentType]


def keep_peers() -> None:
    """Have uvicorn keep peers; it asks for its middleware when the app has been imported."""
    uvicorn.config.ProxyHeadersMiddleware = KeepPeer  # pyright: ignore[reportPrivateImportUsage]
