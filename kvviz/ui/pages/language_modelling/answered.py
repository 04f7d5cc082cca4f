"""What stands where a question's buttons were: it keeps the keyboard's place on the page."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from streamlit.components.v2 import component

CSS = """
[data-testid="stLayoutWrapper"]:has(> [class*="st-key-kvviz-answered-"]) {
  position: absolute; width: 1px; height: 1px; overflow: hidden;
}
.kvviz-answered { outline: none; }
"""
"""It takes no room among what stands around it."""


@cache
def _component() -> Callable[..., Any]:
    """Register the component with Streamlit, once in the life of the process."""
    return component(
        "kvviz_answered",
        css=CSS,
        js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8"),
        isolate_styles=False,
    )


def answered(name: str, *, just_now: bool) -> None:
    """Draw the spot that the focus goes to, nothing that can be seen.

    Args:
        name: The question's id.
        just_now: Whether the answer was given by the click that led to this drawing. An answer
            that was there when the page was opened takes no focus from anybody.
    """
    _component()(key=f"lm-answered-{name}", data={"just_now": just_now}, height=1)
