"""The picture of decoders that read one text in step, which paints as the player does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from kvviz.ui.pages.model_sizes.families.payload import pack
from kvviz.ui.pages.model_sizes.families.reading import Reading, stops
from kvviz.ui.parts.painted_figure import CARD, PaintedFigure
from kvviz.ui.parts.told_place import told_place

HERE = Path(__file__).parent
FIGURE = PaintedFigure("kvviz_families", HERE / "in_step.bundle.js", (CARD, HERE / "in_step.css"))


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
    n_stops = len(stops(readings))

    def moved(message: object) -> None:
        found = told_place(message, "stop", n_stops, view_number)
        if found is not None:
            on_stop(found if found < n_stops - 1 else None)

    FIGURE.draw(
        lambda: pack(text, readings, stop=stop, view_number=view_number),
        readings,
        view_number,
        key="families-in-step",
        on_view=moved,
    )
