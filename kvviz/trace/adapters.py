"""Who draws a trace in a notebook, and who writes it to a file: both stand above the nouns.

A trace must know neither the player that draws it nor the file format that keeps it: both stand
above it and know it. So whoever stands above all of them says once, at import, who does what
(`kvviz/__init__.py` does), and a trace asks here.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import IO, Any

Destination = str | os.PathLike[str] | IO[bytes]
Painter = Callable[[Any], str]
Writer = Callable[[Any, Destination], None]

_painters: list[Painter] = []
_writers: list[Writer] = []


def draw_with(painter: Painter) -> None:
    """Let this function turn a trace or a comparison into the HTML that a notebook shows."""
    _painters[:] = [painter]


def save_with(writer: Writer) -> None:
    """Let this function write a trace to a file."""
    _writers[:] = [writer]


def drawn(value: Any) -> str | None:
    """Return the HTML for a value, or None, which makes a notebook fall back on its repr."""
    return _painters[0](value) if _painters else None


def saved(trace: Any, path: Destination) -> None:
    """Write a trace; see `GenerationTrace.save`.

    Raises:
        TraceFileError: As the writer.
    """
    _writers[0](trace, path)
