"""The patterns of a run as bytes, without what masks hid and what its cache had dropped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from jaxtyping import UInt8

from kvviz.player import second_cache
from kvviz.player.contract import CONTRACT
from kvviz.player.patterns import thumbnails, thumbnails_of, triangles
from kvviz.trace import GenerationTrace


def pattern_bytes(
    run: GenerationTrace, layer: int, n_rows: int, since: int = 0
) -> UInt8[np.ndarray, "head cell"]:
    """Return the patterns of a layer's heads over the first rows, as `triangles` packs them.

    Those before `since` are left out, but of a model with a position bias.
    """
    # A position bias makes scores more than products; such runs are short enough to be held whole.
    if run.position_bias is not None:
        return second_cache.self_patterns(run, layer, n_rows)
    rows, window = _rows_of(run, layer, n_rows), run.model.window(layer)
    return triangles(*rows, window, since=since, **_gone(run, layer))


def thumbnail_arrays(
    run: GenerationTrace, n_rows: int, layers: Sequence[int]
) -> Iterator[tuple[str, np.ndarray]]:
    """Yield small pictures of all heads of all layers, if some layer is not packed."""
    if len(layers) == run.model.n_layers:
        return
    n_cells = min(CONTRACT["thumbnail_cells"], n_rows)
    yield (
        "thumbnails",
        np.stack([_small(run, layer, n_rows, n_cells) for layer in range(run.model.n_layers)]),
    )


def _small(run: GenerationTrace, layer: int, n_rows: int, n_cells: int) -> np.ndarray:
    if run.position_bias is not None:
        patterns = [run.pattern(layer, head) for head in range(run.model.n_heads)]
        return thumbnails_of(np.stack(patterns)[:, :n_rows, :n_rows], n_cells)
    rows, window = _rows_of(run, layer, n_rows), run.model.window(layer)
    return thumbnails(*rows, n_cells, window, **_gone(run, layer))


def _rows_of(run: GenerationTrace, layer: int, n_rows: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Return queries, keys and scale of a layer: what its patterns are made of."""
    queries, keys = run.queries[layer, :, :n_rows], run.keys(layer)[:, :n_rows]
    return queries, keys, float(run.score_scale[layer])


def _gone(run: GenerationTrace, layer: int) -> dict[str, Any]:
    """Return which rows of a layer were gone when, as the arguments of what makes patterns."""
    if run.last_read is None:
        return {}
    return {"last_read": run.last_read[layer], "n_prompt": run.n_prompt}
