"""All patterns of a layer, a block of query rows at a time.

`GenerationTrace.pattern` gives the pattern of one head. What needs those of all heads goes through
blocks, so that no more than a few megabytes are held at once and masked cells cost little.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
from jaxtyping import Bool, Float32, Int64

from kvviz.trace import GenerationTrace

ROWS_A_BLOCK = 64
"""Keeps a block of 8 heads x 1,024 keys at 2 MB, within a core's cache."""

SINGLE_THREAD_PRODUCTS = 2**18
"""Multiply-adds up to which OpenBLAS, which NumPy ships with, starts no worker threads."""


def pattern_blocks(
    queries: Float32[np.ndarray, "head position d_head"],
    keys: Float32[np.ndarray, "kv_head position d_head"],
    scale: float,
    firsts: Sequence[int] | None = None,
    *,
    window: int | None = None,
    last_read: Int64[np.ndarray, "kv_head position"] | None = None,
    n_prompt: int = 0,
) -> Iterator[tuple[int, Float32[np.ndarray, "head row key"]]]:
    """Yield blocks of query rows after softmax.

    Args:
        queries: Query rows of all heads of a layer.
        keys: Key rows; each serves n_heads / n_kv_heads heads that stand together.
        scale: Factor on the products before softmax.
        firsts: First rows of the blocks, ascending; rows before them are left out. None means every
            `ROWS_A_BLOCK` from 0 on.
        window: How many positions a query of the layer sees, its own among them; None for all.
        last_read: The last step at which each row of the layer could be read, as
            `GenerationTrace.last_read` says it; None where no row was dropped.
        n_prompt: Rows that the first step wrote, where some were dropped; each other step wrote
            one.

    Yields:
        The first row of a block, and its weights: rows sum to 1, 0 where the mask forbids, and
        where the row was gone when the query asked. A block that ends before row j holds only the
        keys before j.
    """
    n_heads, n_rows, d_head = queries.shape
    firsts = range(0, n_rows, ROWS_A_BLOCK) if firsts is None else firsts
    if not firsts:
        return
    n_kv_heads, begin = keys.shape[0], firsts[0]
    scaled = queries[:, begin:] * np.float32(scale)
    grouped = scaled.reshape(n_kv_heads, -1, n_rows - begin, d_head)
    transposed = keys[:, None].swapaxes(2, 3)
    for first, stop in zip(firsts, [*firsts[1:], n_rows], strict=True):
        scores = _products(grouped[:, :, first - begin : stop - begin], transposed[..., :stop])
        scores = scores.reshape(n_heads, stop - first, stop)
        np.copyto(scores[:, :, first:], -np.inf, where=_above(stop - first))
        if window is not None:
            scores[:, *np.tril_indices(stop - first, first - window, stop)] = -np.inf
        if last_read is not None:
            step_of_query = (np.arange(first, stop) - n_prompt + 1).clip(min=0)
            gone = last_read[:, None, :stop] < step_of_query[:, None]
            scores[np.repeat(gone, n_heads // n_kv_heads, axis=0)] = -np.inf
        scores -= scores.max(axis=2, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(axis=2, keepdims=True)
        yield first, scores


def blocks_of_layer(
    trace: GenerationTrace, layer: int
) -> Iterator[tuple[int, Float32[np.ndarray, "head row key"]]]:
    """Yield the patterns of a layer of a run, as `pattern_blocks` does.

    Those of a run whose scores have a position bias come in one block, whole, and NaN where the
    mask forbids.

    Args:
        trace: The run.
        layer: 0 to n_layers - 1.
    """
    if trace.position_bias is not None:
        patterns = [trace.pattern(layer, head) for head in range(trace.model.n_heads)]
        yield 0, np.stack(patterns)
        return
    yield from pattern_blocks(
        trace.queries[layer],
        trace.keys(layer),
        float(trace.score_scale[layer]),
        window=trace.model.window(layer),
        last_read=None if trace.last_read is None else trace.last_read[layer],
        n_prompt=trace.n_prompt,
    )


@lru_cache(maxsize=64)
def _above(n: int) -> Bool[np.ndarray, "row key"]:
    """Return which cells of a block lie above the diagonal; found once for blocks of a size."""
    above = ~np.tri(n, dtype=np.bool_)
    above.setflags(write=False)
    return above


def _products(
    queries: Float32[np.ndarray, "kv_head group row d_head"],
    keys: Float32[np.ndarray, "kv_head 1 d_head key"],
) -> Float32[np.ndarray, "kv_head group row key"]:
    """Multiply in pieces that the BLAS library works on in this thread alone.

    Its worker threads wait in a busy loop: on cores that a model is using they made a layer of
    1,024 rows take 500 ms instead of 30.
    """
    n_rows, d_head = queries.shape[2:]
    products = np.empty((*queries.shape[:3], keys.shape[3]), dtype=np.float32)
    n_rows_a_piece = max(1, SINGLE_THREAD_PRODUCTS // (d_head * keys.shape[3]))
    for first in range(0, n_rows, n_rows_a_piece):
        piece = slice(first, first + n_rows_a_piece)
        np.matmul(queries[:, :, piece], keys, out=products[:, :, piece])
    return products
