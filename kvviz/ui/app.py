"""The app as an ASGI application, for `kvviz app` and for any other server: `kvviz.ui.app:app`."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.middleware import Middleware
from streamlit import config
from streamlit.web.server.server_util import get_url

from kvviz.errors import KvvizError
from kvviz.serving import workers
from kvviz.translation import gettext as _
from kvviz.ui.pages.cache_lab.sharing.typed_endpoint import TypedBeginningsEndpoint
from kvviz.ui.rooms.room_endpoint import RoomEndpoint
from kvviz.ui.shell import page_list
from kvviz.ui.shell.asgi_middleware import middleware
from kvviz.ui.shell.environment import Environment
from kvviz.ui.shell.errors_shown import on_script_error
from kvviz.ui.shell.peer import keep_peers
from kvviz.ui.shell.room import teacher_key
from kvviz.ui.shell.session_gate import SessionGate
from kvviz.ui.shell.silent_peer import end_silent_peers
from kvviz.ui.work.growing_endpoint import GrowingEndpoint
from kvviz.ui.work.job_endpoint import JobEndpoint
from kvviz.ui.work.left_alone import CountVisitors
from kvviz.ui.work.preload import lifespan

ROUTER = Path(__file__).parent / "shell" / "router.py"
"""The script of every page. It must lie where no folder `pages/` is beside it: with one there,
Streamlit would run a page without the router on the first deep link after the start."""


def _checked() -> None:
    """Look at the settings before anybody comes: what is wrong with them is said in a sentence.

    Raises:
        SystemExit: With code 2 where they cannot be used.
    """
    try:
        environment = Environment.read()
        if environment.mode.rooms == "teacher":
            teacher_key.teacher_key()
    except KvvizError as error:
        # not for people: the command's name
        sys.stderr.write(f"kvviz: {error}\n")
        raise SystemExit(2) from None
    if not environment.mode.is_open:
        # What is listed is loaded from this machine's disk. The hub's client reads it when it is
        # imported, which is later.
        os.environ["HF_HUB_OFFLINE"] = "1"


def _say_where() -> None:
    """Say where the app is, if Streamlit serves it: any other server says so itself."""
    if config._server_mode not in ("starlette-app", "starlette-app-direct"):
        return
    where = get_url(config.get_option("browser.serverAddress"))
    said = _("kvviz is open at {address} (Ctrl+C ends it).").format(address=where)
    sys.stdout.write(f"\n  {said}\n\n")
    sys.stdout.flush()


@asynccontextmanager
async def _lifespan(app: Any) -> AsyncIterator[dict[str, Any]]:
    """Say what has to be said on the terminal, and serve."""
    _say_where()
    teacher_key.announce()
    # While the first visitor's browser reads what Streamlit is made of, which takes a second.
    workers.start(page_list.import_all, "kvviz-pages")
    async with lifespan(app) as state:
        yield state


_checked()
keep_peers()
end_silent_peers()

AROUND: dict[str, Any] = {
    "lifespan": _lifespan,
    "middleware": [
        Middleware(SessionGate),
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
