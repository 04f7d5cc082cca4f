"""Both texts once more while one of them is typed, asked for by the browser at every key."""

from __future__ import annotations

from pathlib import Path

from kvviz.translation import front_end_catalogue
from kvviz.ui.pages.cache_lab.settings import LabSettings
from kvviz.ui.pages.cache_lab.sharing.typed_endpoint import ADDRESS, page_says
from kvviz.ui.pages.cache_lab.state import PREFIX
from kvviz.ui.rooms import Process
from kvviz.ui.shell.front_end import front_end

SCRIPT = Path(__file__).parent / "typed_beginnings.bundle.js"
PLACE = "kvviz-two-beginnings"
"""Key of the container in which both texts stand as they were run; they give way to those typed."""


def draw(settings: LabSettings, *, covered: bool) -> None:
    """Mount what follows the typing; it draws nothing while the fields say what was run.

    Args:
        settings: What was run.
        covered: Whether what is shared is still asked for.
    """
    data = {
        **front_end_catalogue(),
        # The model is loaded in this process.
        "address": Process.read().address(ADDRESS),
        "says": page_says(settings.model, covered=covered),
        "run": {"text": settings.text, "other": settings.other},
        # As Streamlit names the place of a widget by its key.
        "fields": {
            # not for people: a selector
            name: f".st-key-{PREFIX.replace(':', '-')}{name} textarea"
            for name in ("text", "other")
        },
        "place": f".st-key-{PLACE}",
    }
    front_end("kvviz_typed_beginnings", SCRIPT)(key="lab-typed-beginnings", data=data)
