"""What stands before Streamlit: where an address leads, and what its page is told."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from urllib.parse import quote, unquote

from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kvviz.ui.shell.bytes_endpoint import BytesEndpoint
from kvviz.ui.shell.late_charts import LateCharts
from kvviz.ui.shell.own_path import mounted_at, own_path
from kvviz.ui.shell.page_list import PAGES

LOST = "lost"
"""Query parameter that carries the unknown address to the home page."""

_ADDRESS = re.compile(r"/([^/.]+)/?")
_SERVED_BY_STREAMLIT = ("_stcore", "static", "media", "component", "healthz", "app", "auth")


class RedirectHome:
    """Answer a request for the home page by its name, or for an unknown page, with a redirect home.

    Streamlit knows the home page by no name, and would open it both times under a message that the
    page was not found.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        query = home_query(scope) if scope["type"] == "http" else None
        if query is None:
            await self._app(scope, receive, send)
            return
        home = f"{mounted_at(scope)}/{query}"
        await send(
            {
                "type": "http.response.start",
                "status": 307,
                "headers": [(b"location", home.encode("ascii")), (b"content-length", b"0")],
            }
        )
        await send({"type": "http.response.body", "body": b""})


class InjectScripts:
    """Put six scripts into the app's HTML page, before Streamlit's own.

    One says where the server is: Streamlit guesses it by trying, and a deep link then shows two
    failed requests in the console. One keeps the address bar, one says when charts are wanted,
    one loads a page anew that Streamlit has taken down, one makes a page fit on paper, and one
    has a page drawn anew whose connection was lost.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or not is_page(scope):
            await self._app(scope, receive, send)
            return
        start: Message | None = None
        body = b""

        async def rewrite(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if not headers.get("content-type", "").startswith("text/html"):
                    await send(message)
                    return
                start = message
                return
            if start is None or message["type"] != "http.response.body":
                await send(message)
                return
            body += message.get("body", b"")
            if message.get("more_body"):
                return
            page = body.replace(b"<head>", b"<head>" + scripts(), 1)
            headers = MutableHeaders(scope=start)
            if scope["method"] == "GET":
                headers["content-length"] = str(len(page))
            for name in ("etag", "last-modified"):
                del headers[name]
            await send(start)
            await send({"type": "http.response.body", "body": page})

        await self._app(without_conditions(scope), receive, rewrite)


def is_page(scope: Scope) -> bool:
    """Whether a request asks for the app's HTML page."""
    path = own_path(scope)
    if path is None or scope["method"] not in ("GET", "HEAD"):
        return False
    name = path.strip("/")
    return not name or any(entry.name == name for entry in PAGES)


def without_conditions(scope: Scope) -> Scope:
    """Return a request that gets the page whole: neither compressed nor `304 Not Modified`."""
    left_out = (b"accept-encoding", b"if-none-match", b"if-modified-since", b"range")
    headers = [(name, value) for name, value in scope["headers"] if name not in left_out]
    return {**scope, "headers": headers}


@cache
def scripts() -> bytes:
    """Return the script elements."""
    here = Path(__file__).parent
    base, bar, late, recovery, paper, again = (
        (here / name).read_text(encoding="utf-8")
        for name in (
            "base_address.js",
            "address_bar.js",
            "late_charts.js",
            "recovery.js",
            "print_page.js",
            "reconnection.js",
        )
    )
    names = json.dumps([entry.name for entry in PAGES])
    others = json.dumps([entry.name for entry in PAGES[1:]])
    # Scripts of type module run in the order of the page, so this one runs before Streamlit's.
    start = f"window.kvvizAddressBar = new AddressBar(window, {others});"
    # not for people: script elements
    return (
        f"<script>{base.replace('PAGES', names)}</script>"
        f'<script type="module">{bar}\n{start}</script>'
        f'<script type="module">{late}\nwindow.kvvizChartsWanted = chartsWanted(window);</script>'
        f'<script type="module">{recovery}\nrecover(window);</script>'
        f'<script type="module">{paper}\nfitOnPaper(window);</script>'
        f'<script type="module">{again}\n'
        "onReconnection(window, () => window.kvvizAddressBar.askAnew());</script>"
    ).encode()


def home_query(scope: Scope) -> str | None:
    """Return what follows the home page's address in a redirect; None where none is needed."""
    path = own_path(scope)
    if path is None or scope["method"] not in ("GET", "HEAD"):
        return None
    if path.strip("/") == PAGES[0].name:
        query = quote(scope.get("query_string", b""), safe="=&%+")
        return f"?{query}" if query else ""
    lost = unknown_page(path)
    return None if lost is None else f"?{LOST}={quote(lost[:80], safe='')}"


def unknown_page(path: str) -> str | None:
    """Return the name that a path of the app's own gives a page if there is none, else None."""
    address = _ADDRESS.fullmatch(unquote(path))
    if address is None or address[1] in _SERVED_BY_STREAMLIT:
        return None
    return None if any(entry.name == address[1] for entry in PAGES) else address[1]


def middleware() -> list[Middleware]:
    """Return what the app puts before Streamlit."""
    before = (RedirectHome, LateCharts, BytesEndpoint, InjectScripts)
    return [Middleware(one) for one in before]
