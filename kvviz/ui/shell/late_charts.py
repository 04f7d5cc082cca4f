"""Plotly is loaded when a chart is wanted, and not before the page's own pictures stand.

Plotly is most of what a page loads (4.7 MB of script), and the browser is busy with nothing else
while it reads it. Streamlit asks for it as soon as a chart is on the page, though it may be far
below the window. Here that request is answered with a few lines of script that wait until
`late_charts.js` wants a chart, then ask for the same file by an address that goes through.
"""

from __future__ import annotations

import re

from starlette.types import ASGIApp, Receive, Scope, Send

_PLOTLY = re.compile(r"/static/js/(PlotlyChart\.[\w-]+\.js)$")
"""Where Streamlit keeps the module that draws a Plotly figure."""

_WHOLE = b"whole"
"""Query of a request that is for the module itself."""

EXPORTED = ("PlotlyChart", "default")
"""What that module exports."""


class LateCharts:
    """Answer the first request for Plotly with a module that becomes it once a chart is wanted."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        asked = _PLOTLY.search(scope["path"]) if scope["type"] == "http" else None
        if asked is None or scope.get("query_string") == _WHOLE:
            await self._app(scope, receive, send)
            return
        body = waiting_module(asked[1])
        headers = [
            (b"content-type", b"text/javascript; charset=utf-8"),
            (b"content-length", str(len(body)).encode()),
            # The address is Streamlit's own, and another app may stand at it tomorrow.
            (b"cache-control", b"no-cache"),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send(
            {
                "type": "http.response.body",
                "body": b"" if scope["method"] == "HEAD" else body,
            }
        )


def waiting_module(name: str) -> bytes:
    """Return a module that exports what Streamlit's module of that name does, later."""
    # not for people: names in a module
    said = f"export {{ {', '.join(f'whole_{one} as {one}' for one in EXPORTED)} }};"
    taken = ", ".join(f"{one}: whole_{one}" for one in EXPORTED)
    # not for people: a module
    return (
        "await window.kvvizChartsWanted;\n"
        f'const {{ {taken} }} = await import("./{name}?{_WHOLE.decode()}");\n'
        f"{said}\n"
    ).encode()
