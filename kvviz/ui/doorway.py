"""What happens to an address that no page has: the visitor is led home, and told so."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from kvviz.ui.page_list import PAGES

LOST = "lost"
"""Query parameter that carries the unknown address to the home page."""

_ADDRESS = re.compile(r"/([^/.]+)/?")
_SERVED_BY_STREAMLIT = ("_stcore", "static", "media", "component", "healthz", "app", "auth")


class LeadHome:
    """Answer a request for an unknown page with a redirect to the home page.

    Streamlit would open the home page as well, under a message about files that a visitor has
    never heard of.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        lost = unknown_page(scope) if scope["type"] == "http" else None
        if lost is None:
            await self._app(scope, receive, send)
            return
        home = f"{scope.get('root_path', '')}/?{LOST}={quote(lost[:80], safe='')}"
        await send(
            {
                "type": "http.response.start",
                "status": 307,
                "headers": [(b"location", home.encode("ascii")), (b"content-length", b"0")],
            }
        )
        await send({"type": "http.response.body", "body": b""})


def unknown_page(scope: Scope) -> str | None:
    """Return the name of the page asked for if no page has it, else None."""
    if scope["method"] not in ("GET", "HEAD"):
        return None
    address = _ADDRESS.fullmatch(unquote(scope["path"]))
    if address is None or address[1] in _SERVED_BY_STREAMLIT:
        return None
    return None if any(entry.name == address[1] for entry in PAGES) else address[1]


def middleware() -> list[Middleware]:
    """Return what the app puts before Streamlit."""
    return [Middleware(LeadHome)]
