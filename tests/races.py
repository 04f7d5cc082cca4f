"""Races made up for tests: times that can be checked by hand."""

from __future__ import annotations

import numpy as np

from kvviz.trace import ModelCard
from kvviz.trace.race import Race

CARD = ModelCard(
    name="tiny", family="gpt2", n_layers=3, n_heads=2, n_kv_heads=2, d_head=4, d_model=8,
    d_mlp=32, n_ctx=48, d_vocab=50, n_params=3_416, dtype="float32", device="cpu", source="folder",
)  # fmt: skip


def made_up_race(
    cached=((1.0, 1.0, 1.0, 1.0),), uncached=((0.5, 2.0, 3.0, 10.0),), *, n_prompt=5, batch=1
) -> Race:
    """Return a race with these seconds."""
    cached, uncached = np.array(cached, dtype=float), np.array(uncached, dtype=float)
    n_new = cached.shape[1]
    tokens = np.arange(batch * (n_prompt + n_new)).reshape(batch, -1)
    rows = np.arange(n_prompt, n_prompt + n_new)
    return Race(
        model=CARD,
        n_prompt=n_prompt,
        n_asked=len(cached),
        token_ids=tokens,
        uncached_token_ids=tokens.copy(),
        cached_seconds=cached,
        uncached_seconds=uncached,
        cache_bytes=rows * CARD.cache_bytes_per_token * batch,
        environment={"threads": "1", "processor": "an abacus"},
    )
