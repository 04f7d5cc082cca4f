"""Front ends of our own, as Streamlit mounts them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from streamlit.components.v2 import component


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
        js=script.read_text(encoding="utf-8"),
        isolate_styles=False,
    )
