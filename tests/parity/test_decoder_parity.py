"""Llama, its kin and Gemma 3 against transformers: grouped heads, rotations, norms and windows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode
from transformers import DynamicCache, PreTrainedModel

from kvviz.engine import (
    LoadedModel,
    head_origin,
    load_model,
    log_likelihood,
    text_loss,
    trace_encoding,
    trace_generation,
    trace_together,
)
from kvviz.engine.running.generation import prepared, run_alone
from kvviz.errors import OptionsError
from kvviz.trace import GenerationOptions, GenerationTrace
from tests.parity.closeness import Rounded
from tests.parity.plain_loss import plain_losses
from tests.parity.tiny_decoders import TINY_DECODERS, TinyDecoder
from tests.parity.tiny_models import PROMPT

N_NEW = 7  # enough for every row of the longest window that is filled to move


@dataclass(frozen=True)
class DecoderPair(Rounded):
    """One checkpoint, loaded by kvviz and by transformers alone, and the runs of kvviz."""

    case: TinyDecoder
    ours: LoadedModel
    plain: PreTrainedModel

    @cached_property
    def cached(self) -> tuple[GenerationTrace, Tensor, int]:
        return self._run(use_cache=True)

    @cached_property
    def uncached(self) -> tuple[GenerationTrace, Tensor, int]:
        return self._run(use_cache=False)

    def _run(self, *, use_cache: bool) -> tuple[GenerationTrace, Tensor, int]:
        """Return a trace, the logits of its steps, and the operations that torch counted."""
        logits: list[Tensor] = []
        run = prepared(
            self.ours,
            PROMPT,
            GenerationOptions(N_NEW, use_cache),
            n_top=10,
            on_logits=lambda _, row: logits.append(row.clone()),
        )
        with FlopCounterMode(display=False) as counter:
            trace = run_alone(self.ours, run)
        return trace, torch.stack(logits), counter.get_total_flops()

    def close(self, ours: object, theirs: object, what: str) -> None:
        """Compare up to some roundings of the number format, at the scale of the largest number.

        transformers copies each KV head for its query heads and multiplies them one by one, kvviz
        multiplies a group at once, so that sums are taken in another order, three layers of them;
        and it counts norms and softmax in float32 in a model of float64, kvviz in float64.
        """
        one, other = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
        limit = (2 if self.unit > 1e-3 else 16) * self.traced_unit * max(1.0, np.abs(other).max())
        worst = np.abs(one - other).max()
        assert worst <= limit, f"{what} differ by {worst:.2e}, more than {limit:.2e}"


@pytest.fixture(scope="module", params=TINY_DECODERS, ids=lambda one: f"{one.kind} {one.name}")
def pair(request, tmp_path_factory) -> DecoderPair:
    folder = request.param.save(tmp_path_factory.mktemp("tiny"))
    ours = load_model(folder, device="cpu", dtype=request.param.dtype)
    return DecoderPair(request.param, ours, request.param.load_plain(folder))


def test_a_cached_run_is_that_of_transformers(pair):
    trace, logits, n_flops = pair.cached
    card, n = trace.model, trace.n_prompt
    # Without the config it keeps every row, and windows are left to the mask.
    everything, windowed = DynamicCache(), DynamicCache(config=pair.plain.config)
    ids, start, theirs = torch.tensor(trace.token_ids)[None], 0, []
    patterns = [[trace.pattern(layer, head) for head in range(card.n_heads)] for layer in range(3)]
    for step in trace.steps:
        fed = ids[:, start : n + step.index]
        with torch.no_grad():
            options = {"use_cache": True, "logits_to_keep": 1}
            out = pair.plain(fed, past_key_values=everything, output_attentions=True, **options)
            pair.plain(fed, past_key_values=windowed, **options)
        theirs.append(out.logits[0, -1])
        for layer, weights in enumerate(out.attentions):
            rows = np.nan_to_num(np.stack(patterns[layer])[:, step.fed, : n + step.index])
            pair.close(rows, weights[0].double(), f"patterns of step {step.index}")
        held = sum(one.keys.nbytes + one.values.nbytes for one in windowed.layers)
        assert step.cache_bytes == held == card.cache_bytes(n + step.index)
        start = n + step.index
    pair.close(logits.double(), torch.stack(theirs).double(), "logits")
    for layer, (every, last) in enumerate(zip(everything.layers, windowed.layers, strict=True)):
        pair.close(trace.keys(layer), every.keys[0].double(), "keys")
        pair.close(trace.values(layer), every.values[0].double(), "values")
        there = trace.live(len(trace.steps) - 1, layer)[0]
        for dropped in trace.steps[-1].evicted.T:
            there[dropped[2]] &= dropped[0] != layer
        assert there.sum() == last.keys.shape[-2]
        pair.close(trace.keys(layer)[:, there], last.keys[0].double(), "keys in the window")
    assert sum(step.flops for step in trace.steps) == n_flops
    greedy = pair.plain.generate(
        ids[:, :n], attention_mask=torch.ones(1, n), max_new_tokens=N_NEW, do_sample=False
    )
    assert trace.token_ids.tolist() == greedy[0].tolist()
    assert len(set(trace.token_ids[n:].tolist())) > 1, "no variety"
    assert trace.reuse_is_proven


def seen_in(plain, ids, layer):
    """Return what parts of a layer's attention are given and give, in transformers alone."""
    block, seen = plain.model.layers[layer], {}
    parts = {"stream": block.input_layernorm, "o_proj": block.self_attn.o_proj}
    parts |= {name: getattr(block.self_attn, f"{name}_proj") for name in "qkv"}
    parts |= {
        name: getattr(block.self_attn, name)
        for name in ("q_norm", "k_norm")
        if hasattr(block.self_attn, name)
    }
    if hasattr(block, "post_feedforward_layernorm"):
        parts["normed"] = block.post_attention_layernorm
    held = [
        part.register_forward_hook(
            lambda _part, given, gave, name=name: seen.update({name: (given[0][0], gave[0])})
        )
        for name, part in parts.items()
    ]
    with torch.no_grad():
        plain(ids)
    for one in held:
        one.remove()
    return {name: (given.double(), gave.double()) for name, (given, gave) in seen.items()}


def test_a_head_is_made_of_what_transformers_gives_its_products(pair):
    trace = pair.cached[0]
    card = trace.model
    for layer, head in ((1, card.n_heads - 1), (2, 1)):
        origin = head_origin(pair.ours, trace, layer, head)
        theirs = seen_in(pair.plain, torch.tensor(trace.token_ids[None, :-1]), layer)
        kv_head = head * card.n_kv_heads // card.n_heads
        pair.close(origin.stream, theirs["stream"][0], "streams")
        pair.close(origin.added, theirs.get("normed", theirs["o_proj"])[1], "what is added")
        assert origin.added_is_normed == ("normed" in theirs)
        for part, name, number in (
            ("query", "q", head),
            ("key", "k", kv_head),
            ("value", "v", kv_head),
        ):
            given, gave = theirs[name]
            own = slice(number * card.d_head, (number + 1) * card.d_head)
            pair.close(origin.inputs(part), given, f"what entered the {part}")
            pair.close(origin.products(part), gave[:, own], f"{part} products")
            assert (part in origin.biases) == (
                getattr(pair.plain.model.layers[layer].self_attn, f"{name}_proj").bias is not None
            )
            assert (part in origin.norms) == (f"{name}_norm" in theirs)
        used = {"query": trace.queries[layer, head], "key": trace.keys(layer)[kv_head]}
        for part, rows in {**used, "value": trace.values(layer)[kv_head]}.items():
            pair.close(origin.rows(part), rows, f"{part} rows")
            assert origin.within[part] == np.abs(origin.rows(part) - rows).max()
        # Unturned, unnormed rows are others: what is shown is needed.
        is_turned = getattr(pair.plain.config, "no_rope_layers", [1] * 3)[layer]
        assert (origin.cos is not None) == bool(is_turned)
        if is_turned:
            apart = np.abs(origin.products("key")[1:] - used["key"][1:]).max()
            assert apart > 0.1 * np.abs(used["key"]).max()


def test_a_run_without_the_cache_is_one_full_pass_of_transformers(pair):
    trace, logits, n_flops = pair.uncached
    with torch.no_grad():
        out = pair.plain(torch.tensor(trace.token_ids[None, :-1]), output_attentions=True)
    for layer, weights in enumerate(out.attentions):
        for head in range(trace.model.n_heads):
            pattern = np.nan_to_num(trace.pattern(layer, head))
            pair.close(pattern, weights[0, head].double(), "patterns")
    pair.close(logits.double(), out.logits[0, trace.n_prompt - 1 :].double(), "logits")
    assert sum(step.flops for step in trace.steps) == n_flops
    cached, cached_logits, _ = pair.cached
    if pair.unit > 1e-3:
        return  # bfloat16 rounds so coarsely that an arg-max may flip
    assert trace.token_ids.tolist() == cached.token_ids.tolist()
    # In float64 nothing is left of the difference: all that is done is done in float64.
    assert (logits - cached_logits).abs().max() < 1000 * pair.unit


def test_the_card_tells_the_shape(pair):
    card, config = pair.ours.card, pair.plain.config
    plain_types = getattr(config, "layer_types", None) or []
    assert (card.n_heads, card.n_kv_heads) == (
        config.num_attention_heads,
        config.num_key_value_heads,
    )
    attention = pair.plain.model.layers[0].self_attn
    assert card.d_head == attention.head_dim
    assert card.n_params == pair.plain.num_parameters()
    assert card.architecture == pair.ours.family.architecture == "decoder"
    assert (card.family == "gemma3") == (pair.case.kind == "Gemma3")
    assert card.model_type in ("", config.model_type)
    if plain_types:
        assert [bool(card.window(n)) for n in range(3)] == [
            kind == "sliding_attention" for kind in plain_types
        ]
    assert card.n_ctx == config.max_position_embeddings
    trace = pair.cached[0]
    assert trace.score_scale.tolist() == [np.float32(attention.scaling)] * 3


def test_a_text_is_read_as_transformers_reads_it(pair):
    encoding = trace_encoding(pair.ours, PROMPT)
    with torch.no_grad():
        ids = torch.tensor(encoding.token_ids)[None]
        out = pair.plain(ids, output_hidden_states=True, output_attentions=True)
    for layer, states in enumerate(out.hidden_states):
        pair.close(encoding.hidden(layer), states[0].double(), f"states {layer}")
    patterns = np.nan_to_num(encoding.patterns)
    for layer, weights in enumerate(out.attentions):
        pair.close(patterns[layer], weights[0].double(), "patterns")
    probs = out.logits[0].double().softmax(-1).numpy()
    best = np.take_along_axis(probs, encoding.top_ids, axis=1)
    pair.close(encoding.top_probs, best, "probabilities")


def test_runs_that_share_their_passes_are_those_made_alone(pair):
    if pair.unit > 1e-3:
        return  # rows of bfloat16 part too soon to be compared
    prompts = [PROMPT, "the dog and the"]
    for use_cache in (True, False):
        together = trace_together(pair.ours, prompts, max_new_tokens=4, use_cache=use_cache)
        for prompt, one in zip(prompts, together, strict=True):
            alone = trace_generation(pair.ours, prompt, max_new_tokens=4, use_cache=use_cache)
            assert one.n_together == 2
            assert one.token_ids.tolist() == alone.token_ids.tolist()
            # Products of more rows sum in another order; see decision 27.
            np.testing.assert_allclose(one.all_keys, alone.all_keys, atol=1e-4)
            for ours, theirs in zip(one.steps, alone.steps, strict=True):
                assert np.array_equal(ours.evicted, theirs.evicted)
                assert ours.cache_bytes == theirs.cache_bytes


def test_a_text_is_scored_as_transformers_scores_it(pair):
    ids = [*pair.ours.first_ids, *pair.ours.tokenize(PROMPT)]
    batch = torch.tensor([ids])
    with torch.no_grad():
        logits = pair.plain(batch, use_cache=False).logits[0, :-1].double()
    expected = logits.log_softmax(-1).gather(-1, batch[0, 1:, None])[:, 0]
    found = log_likelihood(pair.ours, ids)
    assert found.positions.tolist() == list(range(1, len(ids)))
    pair.close(found.logprobs, expected, "log probabilities")
    if pair.ours.card.fits_in_windows(len(ids)):
        both = log_likelihood(pair.ours, ids, mask="bidirectional")
        assert both.n_passes == len(ids) - 1
    else:
        with pytest.raises(OptionsError, match="longer than a layer's window"):
            log_likelihood(pair.ours, ids, mask="bidirectional")


def test_the_loss_of_a_text_is_that_of_transformers_window_by_window(pair):
    text = f"{PROMPT}. {PROMPT}"
    found = text_loss(pair.ours, text, context=11, stride=4)
    ids = pair.ours.tokenize(text)
    assert found.losses.size == len(ids) - 1
    assert found.n_windows > 2
    pair.close(found.losses, plain_losses(pair.plain, [], ids, 11, 4), "losses")
