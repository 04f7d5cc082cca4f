"""What stands before all else: who asks, whether there is a place for one more tab, and uploads.

Who finds no place gets a page with one sentence and a way to try again. It opens no session, runs
no script and takes nothing from those who are there.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kvviz.translation import ENGLISH, language, languages, ngettext, using
from kvviz.translation import gettext as _
from kvviz.ui.shell.asgi_middleware import is_page
from kvviz.ui.shell.environment import Environment
from kvviz.ui.shell.mode import Mode
from kvviz.ui.shell.plain_text import plain_html
from kvviz.ui.shell.session_places import SessionPlaces, Taken, session_places
from kvviz.ui.shell.visitor import COOKIE, TOLD, Visitor, new_name

PAGE = Path(__file__).parent / "no_place.html"
TRY_AGAIN_AFTER_S = 15
UPLOADS = "/_stcore/upload_file/"
TRY_AGAIN_LATER = 1013
"""Of RFC 6455's registry of closing codes: the server is overloaded."""


class SessionGate:
    """Let in as many tabs as there are places, and tell pages who asks.

    A browser that is to be told apart from others gets a name in a cookie, which no script can
    read. On its way to a page's script the visitor is a header; what a client sends under that name
    is thrown away.
    """

    def __init__(self, app: ASGIApp, places: SessionPlaces = session_places) -> None:
        self._app = app
        self._places = places

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "websocket":
            await self._connect(scope, receive, send)
        elif scope["type"] == "http" and scope["method"] == "GET" and is_page(scope):
            await self._page(scope, receive, send)
        elif scope["type"] == "http" and is_too_much(scope):
            # not for people: the browser's own page says it before it sends such a file
            answer = PlainTextResponse("This file is larger than what is taken here.", 413)
            await answer(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _connect(self, scope: Scope, receive: Receive, send: Send) -> None:
        environment = Environment.read()
        visitor = Visitor.of(scope, environment.trusted_header)
        counts = environment.mode.has_places
        if counts and not self._places.enter(visitor, environment.mode):
            await receive()
            await send({"type": "websocket.close", "code": TRY_AGAIN_LATER})
            return
        headers = [one for one in scope["headers"] if one[0].lower() != TOLD]
        scope = {**scope, "headers": [*headers, (TOLD, visitor.told)]}
        try:
            await self._app(scope, receive, send)
        finally:
            if counts:
                self._places.leave(visitor)

    async def _page(self, scope: Scope, receive: Receive, send: Send) -> None:
        environment = Environment.read()
        visitor = Visitor.of(scope, environment.trusted_header)
        answer: Send = send
        if not visitor.name and environment.mode.tells_visitors_apart:
            visitor = Visitor(new_name(), visitor.address)
            secure = "; Secure" if scope.get("scheme") == "https" else ""
            cookie = f"{COOKIE}={visitor.name}; Path=/; HttpOnly; SameSite=Lax{secure}"

            async def named(message: Message) -> None:
                if message["type"] == "http.response.start":
                    MutableHeaders(scope=message).append("set-cookie", cookie)
                await send(message)

            answer = named
        mode = environment.mode
        taken = self._places.keep(visitor, mode) if mode.has_places else ""
        if not taken:
            await self._app(scope, receive, answer)
            return
        with using(_language(scope)):
            page = no_place(taken, mode)
        headers = {"retry-after": f"{TRY_AGAIN_AFTER_S}", "cache-control": "no-store"}
        await HTMLResponse(page, 503, headers)(scope, receive, answer)


def is_too_much(scope: Scope) -> bool:
    """Whether a request sends a file that is larger than is taken here, or does not say how large.

    It is known before any of it is taken in.
    """
    if scope["method"] not in ("PUT", "POST") or UPLOADS not in scope["path"]:
        return False
    most = Environment.read().mode.upload
    if most is None:
        return False
    length = Headers(scope=scope).get("content-length", "")
    # What stands around the file in a form takes some bytes.
    return not length.isdecimal() or int(length) > most * 10**6 + 10_000


def no_place(taken: Taken, mode: Mode) -> str:
    """Return the page of who finds no place, as HTML: one sentence, and a way to try again."""
    if taken == "all":
        n = cast("int", mode.sessions)
        said = ngettext(
            "The one place of this app is taken.", "All {n:,} places of this app are taken.", n
        )
    else:
        n = cast("int", mode.sessions_per_address)
        said = ngettext(
            "Your network has {n:,} tab of this app open, and that is the most here.",
            "Your network has {n:,} tabs of this app open, and that is the most here.",
            n,
        )
    what_next = _("Whoever closes a tab makes one free: try again in a moment.")
    template = PAGE.read_text(encoding="utf-8")
    for name, text in (
        ("SAID", said.format(n=n)),
        ("WHAT_NEXT", what_next),
        ("TRY_AGAIN", _("Try again")),
        ("LANGUAGE", language()),
    ):
        template = template.replace(name, plain_html(text))
    return template


def _language(scope: Scope) -> str:
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
    (named,) = query.get("lang", [ENGLISH])[-1:]
    return named if named in languages() else ENGLISH
