"""Front ends of our own, as Streamlit mounts them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from streamlit.components.v2 import component

from kvviz.ui.shell.served_bytes import serve_script

SENT_UP_TO = 16 * 2**10
"""Characters of a script that Streamlit may send with each message; a longer one is fetched, once.
"""

# A browser may remember that nothing came from an address, so it is asked again by another one.
# not for people: a script
_FETCHES = """
const base = globalThis.__streamlit?.BACKEND_BASE_URL ?? document.baseURI;
const at = new URL("ADDRESS", base).href;
const { default: mount } = await import(at).catch(() => import(`${at}?again`));
export default mount;
"""


@cache
def front_end(name: str, script: Path, *styles: Path) -> Callable[..., Any]:
    """Register a front end with Streamlit, once in the life of the process.

    Args:
        name: What it is registered as.
        script: Its bundle.
        styles: Its style sheets; they hold for the whole page.

    Returns:
        What mounts it on a page.
    """
    return component(
        name,
        css="".join(style.read_text(encoding="utf-8") for style in styles) or None,
        js=_sent(script.read_text(encoding="utf-8")),
        isolate_styles=False,
    )


def _sent(script: str) -> str:
    """Return a script as a message carries it: whole, or as the lines that fetch it."""
    if len(script) <= SENT_UP_TO:
        return script
    return _FETCHES.replace("ADDRESS", serve_script(script).address)
