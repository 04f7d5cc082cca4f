"""The lives of the rows of models that write, side by side."""

from __future__ import annotations

from kvviz.ui.parts.written_lives.written_lives import (
    SeenPass,
    WriterLife,
    kept_life,
    pack,
    written_lives,
)

__all__ = ["SeenPass", "WriterLife", "kept_life", "pack", "written_lives"]
