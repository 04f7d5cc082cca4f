"""The picture of decoders that read one text in step, which paints as the player does."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from kvviz.errors import LinkError
from kvviz.translation import language
from kvviz.ui.pages.model_sizes.families.payload import pack
from kvviz.ui.pages.model_sizes.families.reading import Reading, stops
from kvviz.ui.parts.told_place import told_place
from kvviz.ui.shell.front_end import front_end
from kvviz.ui.shell.served_bytes import serve_buffer, voucher

log = logging.getLogger(__name__)

HERE = Path(__file__).parent
KEY = "families-in-step"


def _component() -> Callable[..., Any]:
    """Return what mounts it."""
    return front_end("kvviz_families", HERE / "in_step.bundle.js", HERE / "in_step.css")


def draw(
    text: str,
    readings: tuple[Reading, ...],
    *,
    stop: int | None,
    view_number: int,
    on_stop: Callable[[int | None], None],
) -> None:
    """Draw the picture.

    Args:
        text: The text.
        readings: What was observed, of GPT-2 mini first.
        stop: The stop to begin with, None for the last one. The picture keeps its own as long as
            the readings and `view_number` are the same.
        view_number: Another one, and the picture goes to `stop`.
        on_stop: Told each stop that the person comes to rest at, None for the last one.
    """
    memory = st.session_state.setdefault(f"{KEY}:memory", {"shown": None})
    shown = (*(id(one) for one in readings), view_number, language())
    if memory["shown"] != shown:
        # The readings are kept so that no other object comes to stand where one stood in memory.
        data = pack(text, readings, stop=stop, view_number=view_number)
        memory.update(shown=shown, readings=readings, buffer=serve_buffer(data))
    n_stops = len(stops(readings))

    def moved() -> None:
        message = st.session_state.get(KEY, {}).get("view")
        if message is None:
            return
        try:
            found = told_place(message, "stop", n_stops, view_number)
        except LinkError as error:
            log.warning("Left unheard: %s", error)
            return
        if found is not None:
            on_stop(found if found < n_stops - 1 else None)

    _component()(key=KEY, data=voucher(memory["buffer"].address), on_view_change=moved)
