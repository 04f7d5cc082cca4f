"""Sound traces made of random numbers, for tests that need a trace and no model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kvviz.trace import (
    CacheComparison,
    CrossAttention,
    EncodingTrace,
    GenerationOptions,
    GenerationTrace,
    ModelCard,
    Step,
    encoding_flops,
    forward_flops,
)
from kvviz.trace.conversation import NO_CONVERSATION, Conversation
from kvviz.trace.encoding import Mask
from kvviz.trace.liveness import fallen_rows
from kvviz.trace.model_card import Family
from kvviz.trace.named_cache import NamedCache
from kvviz.trace.packed_rows import PackedRows
from kvviz.trace.row_fingerprints import row_fingerprints


def make_card(
    n_layers: int = 2,
    n_heads: int = 2,
    d_head: int = 4,
    *,
    n_kv_heads: int | None = None,
    n_ctx: int = 1024,
    d_vocab: int = 64,
    dtype: str = "float32",
    family: str = "gpt2",
    n_encoder_layers: int | None = None,
    has_head: bool = True,
    windows: tuple[int, ...] = (),
) -> ModelCard:
    return ModelCard(
        name="tests/random",
        family=family,
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
        n_encoder_layers=(n_encoder_layers or n_layers) if family == "t5" else 0,
        has_head=has_head,
        windows=windows if family != "t5" and any(windows) else (),
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
    n_encoder: int = 5,
    conversation: Conversation = NO_CONVERSATION,
    special_ids: frozenset[int] = frozenset(),
) -> GenerationTrace:
    """Build a trace whose positions, counts and formulas are those of a real run.

    With the card of a T5 (``make_card(family="t5")``) it has an encoder of `n_encoder` tokens.

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
    n_encoder = n_encoder if card.family == "t5" else 0
    steps = [
        _make_step(
            number,
            n_prompt,
            int(token_ids[n_prompt + number]),
            card,
            use_cache,
            n_likely,
            n_encoder,
        )
        for number in range(n_new)
    ]
    n_q, n_kv = card.n_heads, card.n_kv_heads
    tokens = [f" w{i}" for i in token_ids]
    named = {int(i) for step in steps for i in (*step.top_ids, step.chosen_id)}

    def rows(n_heads: int, n: int = n_rows) -> np.ndarray:
        shape = (card.n_layers, n_heads, n, card.d_head)
        return random.standard_normal(shape, dtype=np.float32)

    bias, cross = None, None
    scale = np.full(card.n_layers, card.d_head**-0.5, dtype=np.float32)
    if n_encoder:
        bias = np.tril(random.standard_normal((n_q, n_rows, n_rows), dtype=np.float32))
        scale = np.ones_like(scale)
        cross_queries = rows(n_q)
        cross_keys, cross_values = rows(n_kv, n_encoder), rows(n_kv, n_encoder)
        cross = CrossAttention(
            encoder=make_encoding(
                n_encoder, card=replace(card, n_layers=card.n_encoder_layers), seed=seed
            ),
            queries=cross_queries,
            keys=cross_keys,
            values=cross_values,
            score_scale=scale.copy(),
            written_fingerprints=fingerprints_of(card, cross_keys, cross_values),
            final_fingerprints=fingerprints_of(card, cross_keys, cross_values),
        )
    queries, keys, values = rows(n_q), rows(n_kv), rows(n_kv)

    return GenerationTrace(
        model=card,
        prompt="".join(tokens[:n_prompt]) if prompt is None else prompt,
        options=GenerationOptions(max_new_tokens=n_new, use_cache=use_cache),
        token_ids=token_ids,
        tokens=tokens,
        n_prompt=n_prompt,
        steps=steps,
        stopped="length",
        queries=queries,
        all_keys=keys,
        all_values=values,
        score_scale=scale,
        written_fingerprints=fingerprints_of(card, keys, values),
        final_fingerprints=fingerprints_of(card, keys, values),
        vocabulary={i: f" w{i}" for i in sorted(named)},
        environment={"machine": "test"},
        position_bias=bias,
        cross=cross,
        conversation=conversation,
        special_ids=special_ids,
    )


def fingerprints_of(card: ModelCard, keys: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the fingerprints of K and V rows; zeros where float32 does not hold their bits."""
    found = row_fingerprints(np.stack([keys, values]), card.dtype)
    return np.zeros((2, *keys.shape[::2]), dtype=np.int64) if found is None else found


def make_dropping(n_prompt: int = 9, n_new: int = 5, **changes) -> GenerationTrace:
    """A run whose first KV head drops the rows of odd positions after the step that wrote them.

    The other heads of a layer keep every row, but for the last layer, where all do as the first.
    """
    trace = make_trace(n_prompt, n_new, **changes)
    card, steps, n_bytes = trace.model, [], 0
    rows_a_token = card.n_layers * card.n_kv_heads
    for step in trace.steps:
        gone = [
            (layer, head, position)
            for layer in range(card.n_layers)
            for head in range(card.n_kv_heads if layer == card.n_layers - 1 else 1)
            for position in step.computed.tolist()
            if position % 2
        ]
        evicted = np.array(gone, dtype=np.int64).reshape(-1, 3).T.copy()
        n_written = step.computed.size * rows_a_token
        n_bytes += (n_written - len(gone)) * (card.cache_bytes_per_token // rows_a_token)
        steps.append(replace(step, evicted=evicted, cache_bytes=n_bytes))
    named = NamedCache("every-second", (("first", 0), ("heads", "first")))
    return replace(trace, steps=steps, options=replace(trace.options, cache=named))


def make_packed(n_prompt: int = 4, n_new: int = 4, **changes) -> GenerationTrace:
    """A run whose rows 0 and 1 are packed after the prefill, of row 2 the value after step 1."""
    run = make_trace(n_prompt, n_new, **changes)
    packed_after = np.full((2, run.n_rows), len(run.steps))
    packed_after[:, :2], packed_after[1, 2] = 0, 1
    keys, values = (
        np.stack([of(layer) for layer in range(run.model.n_layers)]).astype(np.float32)
        for of in (run.keys, run.values)
    )
    options = replace(run.options, cache=NamedCache("in-few-bits", ()))
    return replace(run, options=options, packed=PackedRows(keys, values, packed_after))


def make_encoding(
    n_tokens: int = 6,
    n_layers: int = 2,
    n_heads: int = 2,
    d_head: int = 4,
    family: Family = "bert",
    mask: Mask | None = None,
    hide: tuple[int, ...] = (),
    seed: int = 0,
    *,
    n_likely: int = 3,
    has_head: bool = True,
    n_kv_heads: int | None = None,
    card: ModelCard | None = None,
    token_ids: np.ndarray | None = None,
) -> EncodingTrace:
    """Build an encoding whose spans, labels and formulas are those of a real one.

    Its rows, hidden states, tokens and likely tokens are random. Token i is shown as `` w<i>``. A
    BERT gets one special token at either end; hidden tokens become token 0. `mask` is what the
    family has by nature if None.
    """
    card = card or make_card(
        n_layers, n_heads, d_head, n_kv_heads=n_kv_heads, family=family, has_head=has_head
    )
    random = np.random.default_rng(seed)
    if token_ids is None:
        token_ids = random.integers(1, card.d_vocab, n_tokens)
    original_ids = np.asarray(token_ids, dtype=np.int64)
    n = original_ids.size
    fed = original_ids.copy()
    fed[list(hide)] = 0
    special = np.zeros(n, dtype=np.bool_)
    if card.family == "bert" and n > 2:
        special[[0, -1]] = True
    k = n_likely if card.has_head and card.family != "t5" else 0
    labels = np.full(n, -1, dtype=np.int64)
    if k and card.family == "gpt2":
        labels[:-1] = original_ids[1:]
    elif k:
        labels[list(hide)] = original_ids[list(hide)]
    top_ids = np.stack([random.permutation(card.d_vocab)[:k] for _ in range(n)]).astype(np.int64)
    weights = -np.sort(-(random.random((n, k)) + 0.01), axis=1)
    words = [f" w{i}" for i in original_ids]
    ends = np.cumsum([0 if one else len(word) for word, one in zip(words, special, strict=True)])
    starts = np.concatenate([[0], ends[:-1]])
    is_t5 = card.family == "t5"

    def floats(*shape: int) -> np.ndarray:
        return random.standard_normal(shape, dtype=np.float32)

    return EncodingTrace(
        model=card,
        text="".join(word for word, one in zip(words, special, strict=True) if not one),
        mask=mask or ("causal" if card.family == "gpt2" else "bidirectional"),
        token_ids=fed,
        original_ids=original_ids,
        tokens=[f" w{i}" for i in fed],
        spans=np.where(special[:, None], -1, np.stack([starts, ends], axis=1)).astype(np.int64),
        special=special,
        hidden_positions=tuple(hide),
        queries=floats(card.n_layers, card.n_heads, n, card.d_head),
        all_keys=floats(card.n_layers, card.n_kv_heads, n, card.d_head),
        all_values=floats(card.n_layers, card.n_kv_heads, n, card.d_head),
        score_scale=np.full(card.n_layers, 1.0 if is_t5 else card.d_head**-0.5, dtype=np.float32),
        hidden_states=floats(card.n_layers + 1, n, card.d_model),
        top_ids=top_ids,
        top_probs=(weights / max(1, k) * 0.9).astype(np.float32),
        label_ids=labels,
        label_logprobs=np.where(labels < 0, np.nan, -3 * random.random(n)).astype(np.float32),
        vocabulary={int(i): f" w{i}" for i in {*fed, *original_ids, *top_ids.reshape(-1)}},
        seconds=0.004,
        flops=encoding_flops(card, n),
        position_bias=floats(card.n_heads, n, n) if is_t5 else None,
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
    number: int,
    n_prompt: int,
    chosen_id: int,
    card: ModelCard,
    use_cache: bool,
    n_likely: int,
    n_encoder: int,
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
        reused=np.arange(_first_kept(card, first_new), first_new),
        top_ids=top_ids,
        top_probs=top_probs,
        top_sampling_probs=np.eye(1, n_likely, dtype=np.float32)[0],
        chosen_id=chosen_id,
        chosen_prob=float(top_probs[0]),
        seconds=float((0.002 + 0.0005 * (n_rows - first_new)) * (1 + 0.1 * random.random())),
        flops=forward_flops(
            card,
            n_rows - first_new,
            n_rows,
            n_rows - first_new if n_encoder else 1,
            n_encoder=n_encoder,
            n_cross_computed=0 if first_new else n_encoder,
        ),
        cache_bytes=card.cache_bytes(n_rows + n_encoder) if use_cache else 0,
        max_row_change=0.0 if use_cache or not number else float(1e-6 * random.random()),
        cross_computed=np.arange(0 if first_new else n_encoder),
        cross_reused=np.arange(n_encoder if first_new else 0),
        **({"evicted": fallen_rows(card, n_prompt, number)} if card.windows and use_cache else {}),
    )


def _first_kept(card: ModelCard, n_rows: int) -> int:
    return n_rows - max(card.n_kept(layer, n_rows) for layer in range(card.n_layers))
