"""The picture of what packing has made of a head's rows, painted in the browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from kvviz.player import packed_buffer
from kvviz.translation import front_end_catalogue
from kvviz.ui.pages.cache_lab.bits.packed_run import PackedRun
from kvviz.ui.parts.painted_figure import CARD, PaintedFigure

HERE = Path(__file__).parent
FIGURE = PaintedFigure(
    "kvviz_error_map", HERE / "error_map.bundle.js", (CARD, HERE / "error_map.css")
)
VERSION = 1


def pack(run: PackedRun, layer: int, kv_head: int) -> bytes:
    """Pack a head's rows for `js/error_map_buffer.js`: as written, and as read in both ways.

    Of a part that is kept whole there is nothing to be seen, and no panel.

    Args:
        run: What was observed.
        layer: A layer.
        kv_head: A KV head of it.
    """
    trace = run.kept.shown.trace
    written = run.keys[layer, kv_head], run.values[layer, kv_head]
    header: dict[str, Any] = {
        **front_end_catalogue(),  # first, where the front end looks for it
        "version": VERSION,
        "tokens": trace.tokens[: trace.n_prompt],
        "layer": layer,
        "kv_head": kv_head,
        "panels": [
            {"part": part, "axis": way[number].axis, "is_control": way is run.control}
            for number, part in enumerate(("keys", "values"))
            for way in (run.own, run.control)
            if way[number].bits is not None
        ],
    }
    arrays: list[tuple[str, np.ndarray]] = []
    for number in range(2):
        for way in (run.own, run.control):
            name, part = len(arrays) // 3, way[number]
            if part.bits is None:
                continue
            arrays += [
                (f"{name}.written", written[number]),
                (f"{name}.read", part.read[layer, kv_head]),
                (f"{name}.packed", part.is_packed.astype(np.uint8)),
            ]
    return packed_buffer.pack(header, arrays)


def draw(run: PackedRun, layer: int, kv_head: int) -> None:
    """Draw the picture of a head."""
    FIGURE.draw(lambda: pack(run, layer, kv_head), (run,), layer, kv_head, key="lab-error-map")
