"""The picture of what packing has made of a head's rows, painted in the browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from kvviz.player import packed_buffer
from kvviz.translation import front_end_catalogue, language
from kvviz.ui.pages.cache_lab.bits.packed_run import PackedRun
from kvviz.ui.shell.front_end import front_end
from kvviz.ui.shell.served_bytes import serve_buffer, voucher

HERE = Path(__file__).parent
KEY = "lab-error-map"
VERSION = 1


def _component() -> Callable[..., Any]:
    """Return what mounts it."""
    return front_end("kvviz_error_map", HERE / "error_map.bundle.js", HERE / "error_map.css")


def pack(run: PackedRun, layer: int, kv_head: int) -> bytes:
    """Pack a head's rows for `js/error_map_buffer.js`: as written, and as read in both ways.

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
        ],
    }
    arrays: list[tuple[str, np.ndarray]] = []
    for number in range(2):
        for way in (run.own, run.control):
            name, part = len(arrays) // 3, way[number]
            arrays += [
                (f"{name}.written", written[number]),
                (f"{name}.read", part.read[layer, kv_head]),
                (f"{name}.packed", part.is_packed.astype(np.uint8)),
            ]
    return packed_buffer.pack(header, arrays)


def draw(run: PackedRun, layer: int, kv_head: int) -> None:
    """Draw the picture of a head."""
    memory = st.session_state.setdefault(f"{KEY}:memory", {"shown": None})
    shown = id(run), layer, kv_head, language()
    if memory["shown"] != shown:
        # The run is kept so that no other one comes to stand where it stood in memory.
        memory.update(shown=shown, run=run, buffer=serve_buffer(pack(run, layer, kv_head)))
    _component()(key=KEY, data=voucher(memory["buffer"].address))
