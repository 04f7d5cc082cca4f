"""Sound traces made of random numbers, for tests that need a trace and no model."""

from __future__ import annotations

import numpy as np

from kvviz.trace import (
    CacheComparison,
    GenerationOptions,
    GenerationTrace,
    ModelCard,
    Step,
    forward_flops,
)


def make_card(
    n_layers: int = 2,
    n_heads: int = 2,
    d_head: int = 4,
    *,
    n_kv_heads: int | None = None,
    n_ctx: int = 1024,
    d_vocab: int = 64,
    dtype: str = "float32",
) -> ModelCard:
    return ModelCard(
        name="tests/random",
        family="gpt2",
        n_layers=n_layers,
        n_heads=n_heads,
        n_kv_heads=n_kv_heads or n_heads,
        d_head=d_head,
        d_model=n_heads * d_head,
        d_mlp=4 * n_heads * d_head,
        n_ctx=n_ctx,
        d_vocab=d_vocab,
        n_params=1000,
        dtype=dtype,
        device="cpu",
        source="bundled",
        revision="0123abcd",
    )


def make_trace(
    n_prompt: int = 4,
    n_new: int = 3,
    n_layers: int = 2,
    n_heads: int = 2,
    d_head: int = 4,
    use_cache: bool = True,
    seed: int = 0,
    *,
    n_kv_heads: int | None = None,
    n_likely: int = 5,
    prompt: str | None = None,
    card: ModelCard | None = None,
    token_ids: np.ndarray | None = None,
) -> GenerationTrace:
    """Build a trace whose positions, counts and formulas are those of a real run.

    Its queries, keys, values, tokens and times are random; the same seed gives the same tokens
    with and without the cache. Given `token_ids` (all n_prompt + n_new of them) replace the random
    ones. Token i is shown as `` w<i>``.
    """
    card = card or make_card(n_layers, n_heads, d_head, n_kv_heads=n_kv_heads)
    random = np.random.default_rng(seed)
    n_rows = n_prompt + n_new - 1
    if token_ids is None:
        token_ids = random.integers(0, card.d_vocab, n_prompt + n_new)
    token_ids = np.asarray(token_ids, dtype=np.int64)
    steps = [
        _make_step(number, n_prompt, int(token_ids[n_prompt + number]), card, use_cache, n_likely)
        for number in range(n_new)
    ]
    n_q, n_kv = card.n_heads, card.n_kv_heads
    fingerprints = random.integers(-(2**63), 2**63, (2, card.n_layers, n_rows), dtype=np.int64)
    tokens = [f" w{i}" for i in token_ids]
    named = {int(i) for step in steps for i in (*step.top_ids, step.chosen_id)}

    def rows(n_heads: int) -> np.ndarray:
        shape = (card.n_layers, n_heads, n_rows, card.d_head)
        return random.standard_normal(shape, dtype=np.float32)

    return GenerationTrace(
        model=card,
        prompt="".join(tokens[:n_prompt]) if prompt is None else prompt,
        options=GenerationOptions(max_new_tokens=n_new, use_cache=use_cache),
        token_ids=token_ids,
        tokens=tokens,
        n_prompt=n_prompt,
        steps=steps,
        stopped="length",
        queries=rows(n_q),
        all_keys=rows(n_kv),
        all_values=rows(n_kv),
        score_scale=np.full(card.n_layers, card.d_head**-0.5, dtype=np.float32),
        written_fingerprints=fingerprints,
        final_fingerprints=fingerprints.copy(),
        vocabulary={i: f" w{i}" for i in sorted(named)},
        environment={"machine": "test"},
    )


def make_comparison(
    n_prompt: int = 4,
    n_new: int = 3,
    n_layers: int = 2,
    n_heads: int = 2,
    d_head: int = 4,
    seed: int = 0,
) -> CacheComparison:
    """Build a cached and an uncached run of the same random tokens."""
    size = (n_prompt, n_new, n_layers, n_heads, d_head)
    return CacheComparison(
        cached=make_trace(*size, use_cache=True, seed=seed),
        uncached=make_trace(*size, use_cache=False, seed=seed),
        logit_differences=np.linspace(1e-7, 2e-6, n_new),
    )


def _make_step(
    number: int, n_prompt: int, chosen_id: int, card: ModelCard, use_cache: bool, n_likely: int
) -> Step:
    random = np.random.default_rng([number, chosen_id])
    n_rows = n_prompt + number
    first_new = n_rows - 1 if use_cache and number else 0
    others = [i for i in random.permutation(card.d_vocab) if i != chosen_id]
    top_ids = np.array([chosen_id, *others[: n_likely - 1]], dtype=np.int64)
    weights = np.sort(random.random(n_likely) + 0.01)[::-1]
    top_probs = (weights / weights.sum() * 0.9).astype(np.float32)
    return Step(
        index=number,
        kind="decode" if number else "prefill",
        fed=np.arange(first_new, n_rows),
        computed=np.arange(first_new, n_rows),
        reused=np.arange(first_new),
        top_ids=top_ids,
        top_probs=top_probs,
        top_sampling_probs=np.eye(1, n_likely, dtype=np.float32)[0],
        chosen_id=chosen_id,
        chosen_prob=float(top_probs[0]),
        seconds=float((0.002 + 0.0005 * (n_rows - first_new)) * (1 + 0.1 * random.random())),
        flops=forward_flops(card, n_rows - first_new, n_rows),
        cache_bytes=card.cache_bytes_per_token * n_rows if use_cache else 0,
        max_row_change=0.0 if use_cache or not number else float(1e-6 * random.random()),
    )
