"""What the player costs to build and to send, beside bertviz's head view of the same patterns.

Both draw the attention of every head of a run of GPT-2 small's shape (12 layers of 12 heads). The
numbers in the run are random: neither the size nor the time of either depends on their meaning. The
player also carries keys, values, probabilities and the bill, which the rival does not.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from kvviz.analysis.spread import Spread, spread
from kvviz.player import html_document, pack
from kvviz.trace import GenerationTrace
from tests.factories import make_trace

LENGTHS = (32, 128, 256)
N_LAYERS, N_HEADS, D_HEAD = 12, 12, 64


def _timed(build: Callable[[], str | bytes], repeats: int) -> tuple[Spread, int]:
    """Return the seconds that a build takes and the bytes that it gives."""
    seconds: list[float] = []
    size = 0
    for _ in range(repeats):
        start = time.perf_counter()
        built = build()
        seconds.append(time.perf_counter() - start)
        size = len(built.encode() if isinstance(built, str) else built)
    return spread(seconds), size


def _rival(trace: GenerationTrace) -> Callable[[], str]:
    """Return bertviz's build of the same patterns, with the patterns already made."""
    import torch
    from bertviz import head_view  # pyright: ignore  # only `make bench` installs it

    card = trace.model
    attention = [
        torch.from_numpy(
            np.stack([np.nan_to_num(trace.pattern(layer, head)) for head in range(card.n_heads)])
        )[None]
        for layer in range(card.n_layers)
    ]
    tokens = trace.tokens[: trace.n_rows]
    build: Callable[..., Any] = head_view
    return lambda: build(attention, tokens, html_action="return").data


def measure(repeats: int = 3) -> list[dict[str, Any]]:
    """Measure both at each length.

    The player's build starts from the trace, so that softmax is part of it; the rival is handed
    finished patterns.

    Returns:
        One row a length: bytes and seconds of the player's buffer, of the offline page that holds
        it, and of the rival's page; and the rival's share of each, as ratios above 1 where the
        player is smaller or faster.
    """
    rows: list[dict[str, Any]] = []
    for n_rows in LENGTHS:
        trace = make_trace(
            n_prompt=n_rows - 7, n_new=8, n_layers=N_LAYERS, n_heads=N_HEADS, d_head=D_HEAD
        )
        buffer_seconds, buffer_bytes = _timed(lambda trace=trace: pack(trace), repeats)
        page_seconds, page_bytes = _timed(lambda trace=trace: html_document(trace), repeats)
        rival_seconds, rival_bytes = _timed(_rival(trace), repeats if n_rows < 256 else 1)
        rows.append(
            {
                "rows": n_rows,
                "heads": N_LAYERS * N_HEADS,
                "player_buffer_bytes": buffer_bytes,
                "player_buffer_seconds": buffer_seconds,
                "player_page_bytes": page_bytes,
                "player_page_seconds": page_seconds,
                "bertviz_page_bytes": rival_bytes,
                "bertviz_page_seconds": rival_seconds,
                "bytes_ratio": rival_bytes / page_bytes,
                "seconds_ratio": rival_seconds["median"] / page_seconds["median"],
            }
        )
    return rows
