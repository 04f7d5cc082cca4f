"""What was observed of decoders that read one text, packed for the picture that moves them in step.

`js/in_step_buffer.js` reads what is packed here.
"""

from __future__ import annotations

from typing import Any

from kvviz.player import packed_buffer
from kvviz.translation import front_end_catalogue
from kvviz.ui.pages.model_sizes.families.reading import Reading, stops

VERSION = 1


def pack(
    text: str, readings: tuple[Reading, ...], *, stop: int | None = None, view_number: int = 0
) -> bytes:
    """Pack readings of a text.

    Args:
        text: The text.
        readings: What was observed, of the first the one that others are measured against.
        stop: The stop to begin with; None for the last one, where all of the text is read.
        view_number: Another one than before, and the picture goes to this stop.
    """
    ends = stops(readings)
    header: dict[str, Any] = {
        **front_end_catalogue(),  # first, where the front end looks for it
        "version": VERSION,
        "text": text,
        "ends": ends,
        "stop": len(ends) - 1 if stop is None else min(stop, len(ends) - 1),
        "view_number": view_number,
        "models": [_model(one, ends) for one in readings],
    }
    arrays = [
        (f"{number}.{life}.lives", told.spans)
        for number, one in enumerate(readings)
        for life, told in enumerate(one.lives)
    ]
    return packed_buffer.pack(header, arrays)


def _model(one: Reading, ends: tuple[int, ...]) -> dict[str, Any]:
    return {
        "name": one.decoder.name,
        "title": one.decoder.title,
        "tokens": one.tokens,
        "special": [place for place, special in enumerate(one.special) if special],
        "n_first": one.n_first,
        "steps": [one.step_at(end) for end in ends],
        "cache_bytes": one.cache_bytes,
        "lives": [{"n_layers": life.n_layers, "window": life.window} for life in one.lives],
    }
