"""The app as an ASGI application, for `kvviz app` and for any other server: `kvviz.ui.app:app`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.middleware import Middleware

from kvviz.ui.pages.cache_lab.sharing.typed_endpoint import TypedBeginningsEndpoint
from kvviz.ui.rooms.room_endpoint import RoomEndpoint
from kvviz.ui.shell.asgi_middleware import middleware
from kvviz.ui.shell.errors_shown import on_script_error
from kvviz.ui.work.growing_endpoint import GrowingEndpoint
from kvviz.ui.work.job_endpoint import JobEndpoint
from kvviz.ui.work.left_alone import CountVisitors
from kvviz.ui.work.preload import lifespan

ROUTER = Path(__file__).parent / "shell" / "router.py"
"""The script of every page. It must lie where no folder `pages/` is beside it: with one there,
Streamlit would run a page without the router on the first deep link after the start."""

AROUND: dict[str, Any] = {
    "lifespan": lifespan,
    "middleware": [
        *middleware(),
        Middleware(CountVisitors),
        Middleware(JobEndpoint),
        Middleware(GrowingEndpoint),
        Middleware(RoomEndpoint),
        Middleware(TypedBeginningsEndpoint),
    ],
    "on_script_error": on_script_error,
}
"""What the app puts around the script, by the names of `st.App`'s arguments."""

app = st.App(ROUTER, **AROUND)


def serve(port: int, *, headless: bool) -> None:
    """Serve the app on this machine until it is stopped.

    Args:
        port: Port to serve on.
        headless: Whether to leave the browser closed.

    Raises:
        SystemExit: With code 1 where the port is taken.
    """
    # Streamlit reads `.streamlit/config.toml` beside the file that a process was started by. That
    # is wherever the command was installed, but the settings are the app's: they lie beside its
    # script.
    sys.argv = [str(ROUTER)]
    app.run(config={"server.port": port, "server.headless": headless})
