"""An answer to the requests whose path is of one form; Streamlit has all others."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from typing import ClassVar

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send


class PathEndpoint(ABC):
    """A layer around the app that answers at some addresses of its own."""

    PATH: ClassVar[re.Pattern[str]]
    """Is looked for in the path, so that an address holds wherever the app is mounted."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or pass it on."""
        asked = self.PATH.search(scope["path"]) if scope["type"] == "http" else None
        if asked is None:
            await self._app(scope, receive, send)
            return
        answered = await self.answer(asked, scope)
        await answered(scope, receive, send)

    @abstractmethod
    async def answer(self, asked: re.Match[str], scope: Scope) -> Response:
        """Return what is answered.

        Args:
            asked: What was found in the path.
            scope: The request.
        """
