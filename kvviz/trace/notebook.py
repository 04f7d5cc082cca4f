"""How a trace is drawn in a notebook.

The trace must not know the player that draws it: the player stands above it. So whoever stands
above both says once, at import, what draws (`kvviz/__init__.py` does), and the trace asks here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Painter = Callable[[Any], str]

_painters: list[Painter] = []


def draw_with(painter: Painter) -> None:
    """Let this function turn a trace or a comparison into the HTML that a notebook shows."""
    _painters[:] = [painter]


def drawn(value: Any) -> str | None:
    """Return the HTML for a value, or None, which makes a notebook fall back on its repr."""
    return _painters[0](value) if _painters else None
