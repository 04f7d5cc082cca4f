"""What an encoder-decoder adds to the player's buffer: its input, and the cross-attention cache."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from kvviz.player.fingerprints import BYTES_OF_PRINTS
from kvviz.player.patterns import lower_triangles, rectangles
from kvviz.player.rounding import named_numbers
from kvviz.player.tokens import named_tokens
from kvviz.trace import GenerationTrace

Runs = dict[str, GenerationTrace]


def encoder_header(run: GenerationTrace) -> dict[str, Any]:
    """Return the header's ``encoder``; nothing for a model without one, so nothing is added."""
    if run.cross is None:
        return {}
    encoder = run.cross.encoder
    return {
        "encoder": {
            "text": encoder.text,
            "tokens": named_tokens(encoder.token_ids, encoder.tokens, encoder.tokens_in_place),
            "seconds": float(encoder.seconds),
            "flops": int(encoder.flops),
            "cross_proven": run.reuse_is_proven,
            "score_scale": [float(scale) for scale in run.cross.score_scale],
        },
    }


def rows_of_a_run(run: GenerationTrace, n_steps: int) -> dict[str, list[int]]:
    """Return how many cross-attention rows each step computed and reused, if there are any."""
    if run.cross is None:
        return {}
    steps = run.steps[:n_steps]
    return {
        "n_cross_computed": [int(step.cross_computed.size) for step in steps],
        "n_cross_reused": [int(step.cross_reused.size) for step in steps],
    }


def counted_rows(run: GenerationTrace, n_steps: int) -> dict[str, dict[str, list[int]]]:
    """Return by formula the cross-attention rows of each step, with and without the caches.

    With them the rows are computed at the first step alone, without them at each.
    """
    if run.cross is None:
        return {"on": {}, "off": {}}
    n = run.cross.n_encoder
    return {
        "on": {"cross_rows": [n] + [0] * (n_steps - 1)},
        "off": {"cross_rows": [n] * n_steps},
    }


def arrays_of_a_layer(
    runs: Runs, n_rows: int, layers: Sequence[int]
) -> Iterator[tuple[str, np.ndarray]]:
    """Yield name and numbers of the second cache's arrays, in the contract's order."""
    for layer in layers:
        for name, run in runs.items():
            if run.cross is None:
                continue
            patterns = [run.cross_pattern(layer, head) for head in range(run.model.n_heads)]
            yield f"{name}.cross_pattern.{layer}", rectangles(np.stack(patterns)[:, :n_rows])
            for part, rows in (
                ("keys", run.cross_keys(layer)),
                ("values", run.cross_values(layer)),
                ("queries", run.cross.queries[layer, :, :n_rows]),
            ):
                yield from named_numbers(f"{name}.cross_{part}", layer, rows)


def self_patterns(run: GenerationTrace, layer: int, n_rows: int) -> np.ndarray:
    """Return the decoder's own patterns of a layer as lower triangles."""
    patterns = [run.pattern(layer, head) for head in range(run.model.n_heads)]
    return lower_triangles(np.stack(patterns)[:, :n_rows, :n_rows])


def bytes_of_a_layer(runs: Runs, n_rows: int) -> int:
    """Return how many bytes a layer of the second cache takes in the buffer."""
    first = next(iter(runs.values()))
    if first.cross is None:
        return 0
    card, n = first.model, first.cross.n_encoder
    n_bytes = 2 * card.d_head * (2 * card.n_kv_heads * n + card.n_heads * n_rows)
    scales = (2 * card.n_kv_heads + card.n_heads) * np.dtype(np.float32).itemsize
    n_bytes += BYTES_OF_PRINTS * n
    return len(runs) * (card.n_heads * n_rows * n + n_bytes + scales)
