"""What stands where a question's answers were: it keeps the keyboard's place on the page."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from streamlit.components.v2 import component


@cache
def _component() -> Callable[..., Any]:
    """Register the component with Streamlit, once in the life of the process."""
    return component(
        "kvviz_answered",
        js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8"),
        isolate_styles=False,
    )


def answered(name: str, number: int) -> None:
    """Draw the spot that the focus goes to, nothing that can be seen.

    Args:
        name: The question's id.
        number: Which answer of the session it was: only the latest takes the focus, and only once.
    """
    _component()(key=f"answered-{name}", data={"number": number}, height=1)
