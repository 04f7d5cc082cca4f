"""Attention patterns as bytes: the lower triangles of a layer, and thumbnails of all its heads.

A pattern of n rows is never held whole as numbers: blocks of query rows are put through softmax
against the keys that the causal mask lets them see, and rounded to bytes at once.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, Int64, UInt8

from kvviz.analysis import ROWS_A_BLOCK, pattern_blocks

Rows = Float32[np.ndarray, "head position d_head"]
LastRead = Int64[np.ndarray, "kv_head position"]


def triangles(
    queries: Rows,
    keys: Float32[np.ndarray, "kv_head position d_head"],
    scale: float,
    window: int | None = None,
    *,
    since: int = 0,
    last_read: LastRead | None = None,
    n_prompt: int = 0,
) -> UInt8[np.ndarray, "head cell"]:
    """Return the patterns of a layer's heads as lower triangles, row by row.

    Args:
        queries: Query rows of all heads.
        keys: Key rows; each serves n_heads / n_kv_heads heads that stand together.
        scale: Factor on the products before softmax.
        window: How many positions a query of the layer sees, its own among them; None for all.
        since: Row to begin at.
        last_read: Of the layer, as for `pattern_blocks`.
        n_prompt: Likewise.

    Returns:
        n (n + 1) / 2 bytes a head, less those of the rows left out. A weight w is stored as the
        nearest of 0/255, 1/255, ... 1, so that ``|w - byte / 255| <= 0.5 / 255``; 0 before the
        window, and where a row was gone.
    """
    n_heads, n_rows, _ = queries.shape
    left_out = since * (since + 1) // 2
    packed = np.empty((n_heads, n_rows * (n_rows + 1) // 2 - left_out), dtype=np.uint8)
    blocks = range(since, n_rows, ROWS_A_BLOCK)
    for first, weights in pattern_blocks(
        queries, keys, scale, blocks, window=window, last_read=last_read, n_prompt=n_prompt
    ):
        stop = first + weights.shape[1]
        cells = slice(first * (first + 1) // 2 - left_out, stop * (stop + 1) // 2 - left_out)
        packed[:, cells] = _bytes(weights)[:, np.tri(stop - first, stop, first, dtype=np.bool_)]
    return packed


def thumbnails(
    queries: Rows,
    keys: Float32[np.ndarray, "kv_head position d_head"],
    scale: float,
    n_cells: int,
    window: int | None = None,
    *,
    last_read: LastRead | None = None,
    n_prompt: int = 0,
) -> UInt8[np.ndarray, "head cell_row cell_column"]:
    """Return small pictures of a layer's patterns: the largest weight in each block of cells.

    Cell c covers positions from ``c * n // n_cells`` up to the start of the next.

    Args:
        queries: Query rows of all heads.
        keys: Key rows.
        scale: Factor on the products before softmax.
        n_cells: Cells a side, at most as many as there are rows.
        window: As in `triangles`.
        last_read: As in `triangles`.
        n_prompt: As in `triangles`.

    Returns:
        Weights as bytes, as in `triangles`; 0 where no cell of a block was seen.
    """
    n_heads, n_rows, _ = queries.shape
    starts = np.arange(n_cells) * n_rows // n_cells
    small = np.zeros((n_heads, n_cells, n_cells), dtype=np.float32)
    # Blocks begin where cells begin, so that each cell lies in one block.
    cells_a_block = max(1, ROWS_A_BLOCK * n_cells // n_rows)
    blocks = starts[::cells_a_block].tolist()
    found = pattern_blocks(
        queries, keys, scale, blocks, window=window, last_read=last_read, n_prompt=n_prompt
    )
    for number, (first, weights) in enumerate(found):
        cell = number * cells_a_block
        own = starts[cell : cell + cells_a_block]
        tallest = np.maximum.reduceat(weights, own - first, axis=1)
        seen = starts[: np.searchsorted(starts, weights.shape[2])]
        small[:, cell : cell + own.size, : seen.size] = np.maximum.reduceat(tallest, seen, axis=2)
    return _bytes(small)


def lower_triangles(
    patterns: Float32[np.ndarray, "head query key"],
) -> UInt8[np.ndarray, "head cell"]:
    """Return whole patterns as lower triangles, row by row, in bytes as `triangles` does.

    For models whose scores are more than scaled products, such as those with a position bias.
    """
    rows, columns = np.tril_indices(patterns.shape[1])
    return _bytes(patterns[:, rows, columns])


def rectangles(
    patterns: Float32[np.ndarray, "head query key"],
) -> UInt8[np.ndarray, "head query key"]:
    """Return patterns without a mask as bytes: weight w as the nearest of 0/255, 1/255, ... 1."""
    return _bytes(patterns)


def thumbnails_of(
    patterns: Float32[np.ndarray, "head query key"], n_cells: int
) -> UInt8[np.ndarray, "head cell_row cell_column"]:
    """Return small pictures of whole patterns, as `thumbnails` does."""
    starts = np.arange(n_cells) * patterns.shape[1] // n_cells
    seen = np.nan_to_num(patterns)
    tallest = np.maximum.reduceat(np.maximum.reduceat(seen, starts, axis=1), starts, axis=2)
    return _bytes(tallest)


def _bytes(weights: Float32[np.ndarray, "..."]) -> UInt8[np.ndarray, "..."]:
    return (weights * np.float32(255) + np.float32(0.5)).astype(np.uint8)
