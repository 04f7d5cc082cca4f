"""The part of a request's path that is the app's own: below where it is mounted."""

from __future__ import annotations

from starlette.types import Scope
from streamlit import config


def mounted_at(scope: Scope) -> str:
    """Return where the app is mounted, without a slash at its end; empty at the root of its host.

    Another ASGI app may have mounted it, which the request says, and Streamlit may be set to serve
    below a path (`server.baseUrlPath`).
    """
    below = config.get_option("server.baseUrlPath").strip("/")
    return scope.get("root_path", "").rstrip("/") + (f"/{below}" if below else "")


def own_path(scope: Scope) -> str | None:
    """Return the path below where the app is mounted, with the slash at its front; None elsewhere.

    A proxy may have taken away what the request says that the app is mounted at.
    """
    path, root = scope["path"], scope.get("root_path", "").rstrip("/")
    if path == root or path.startswith(f"{root}/"):
        path = path.removeprefix(root)
    below = mounted_at(scope).removeprefix(root)
    if path != below and not path.startswith(f"{below}/"):
        return None
    return path.removeprefix(below) or "/"
