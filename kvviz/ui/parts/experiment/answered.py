"""What stands where a question's answers were: it keeps the keyboard's place on the page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from kvviz.ui.shell.front_end import front_end


def _component() -> Callable[..., Any]:
    """Return what mounts it."""
    return front_end("kvviz_answered", Path(__file__).with_suffix(".js"))


def answered(name: str, number: int) -> None:
    """Draw the spot that the focus goes to, nothing that can be seen.

    Args:
        name: The question's id.
        number: Which answer of the session it was: only the latest takes the focus, and only once.
    """
    _component()(key=f"answered-{name}", data={"number": number}, height=1)
