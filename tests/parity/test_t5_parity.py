"""A T5 against transformers on the same checkpoint: both caches, both attentions, every step."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch.utils.flop_counter import FlopCounterMode
from transformers import DynamicCache, EncoderDecoderCache, T5ForConditionalGeneration

from kvviz.analysis import step_costs
from kvviz.engine import LoadedModel, load_model, trace_both, trace_encoding, trace_generation
from kvviz.trace import CacheComparison, GenerationTrace
from tests.parity.closeness import Rounded, assert_close
from tests.parity.tiny_t5s import N_NEW, TEXT, TINY_T5S, TinyT5
from tests.runs_with_logits import run_with_logits


@dataclass(frozen=True)
class Pair(Rounded):
    """One checkpoint, loaded by kvviz and by transformers alone, and one greedy run of each."""

    case: TinyT5
    folder: Path
    ours: LoadedModel
    plain: T5ForConditionalGeneration

    @property
    def unit(self) -> float:
        return torch.finfo(getattr(torch, self.case.dtype)).eps

    @cached_property
    def trace(self) -> GenerationTrace:
        return self._run[0]

    @cached_property
    def logits(self) -> torch.Tensor:
        return self._run[1]

    @cached_property
    def _run(self) -> tuple[GenerationTrace, torch.Tensor]:
        trace, logits = run_with_logits(self.ours, TEXT, N_NEW)
        return trace, torch.stack(logits)

    @cached_property
    def both(self) -> CacheComparison:
        return trace_both(self.ours, TEXT, max_new_tokens=N_NEW)

    @cached_property
    def encoder_ids(self) -> torch.Tensor:
        return torch.tensor(self.trace.encoder.token_ids)[None]

    @cached_property
    def replay(self) -> dict[str, Any]:
        """What transformers alone computes for the tokens of the trace, step by step."""
        cache = EncoderDecoderCache(DynamicCache(), DynamicCache())
        logits, own, cross = [], [], []
        with torch.no_grad():
            encoder = self.plain.encoder(
                self.encoder_ids, output_hidden_states=True, output_attentions=True
            )
            for token in self.trace.token_ids[:-1]:
                output = self.plain(
                    encoder_outputs=(encoder.last_hidden_state,),
                    decoder_input_ids=torch.tensor([[token]]),
                    past_key_values=cache,
                    use_cache=True,
                    output_attentions=True,
                )
                logits.append(output.logits[0, -1])
                own.append([layer[0] for layer in output.decoder_attentions])
                cross.append([layer[0] for layer in output.cross_attentions])
        return {
            "encoder": encoder,
            "logits": torch.stack(logits),
            "own": own,
            "cross": cross,
            "cache": cache,
        }


@pytest.fixture(scope="session", params=TINY_T5S, ids=lambda case: case.name)
def pair(request, tmp_path_factory) -> Pair:
    case = request.param
    folder = case.save(tmp_path_factory.mktemp("tiny"))
    ours = load_model(folder, device="cpu", dtype=case.dtype)
    return Pair(case, folder, ours, case.load_plain(folder))


def heads(trace):
    return product(range(trace.model.n_layers), range(trace.model.n_heads))


def limit_of(pair, scores):
    """Return how far two patterns of the same operands may lie apart.

    An error in a score makes the same in a weight at most; either side rounds a score when it is
    summed and when the bias is added.
    """
    return 4 * pair.traced_unit * max(1.0, np.nanmax(np.abs(scores)))


def generated(pair, **settings):
    """The tokens that `generate` of transformers chooses, greedily."""
    ids = pair.plain.generate(
        pair.encoder_ids,
        attention_mask=torch.ones_like(pair.encoder_ids),
        max_new_tokens=N_NEW,
        do_sample=False,
        **settings,
    )
    return ids[0].tolist()


def test_greedy_tokens_are_those_of_generate(pair):
    # The cache that generate makes has as many layers as the encoder.
    cache = {"past_key_values": EncoderDecoderCache(DynamicCache(), DynamicCache())}
    for trace, settings in ((pair.trace, cache), (pair.both.uncached, {"use_cache": False})):
        assert trace.token_ids.tolist() == generated(pair, **settings)
    n_kinds = len(set(pair.trace.token_ids[1:].tolist()))
    assert pair.case.tied or n_kinds > 1, "no variety"


def test_a_named_token_ends_a_run_as_it_ends_generate(pair):
    stop = int(pair.trace.token_ids[2])
    theirs = generated(pair, use_cache=False, eos_token_id=[*pair.ours.stop_ids, stop])
    trace = trace_generation(pair.ours, TEXT, max_new_tokens=N_NEW, stop_ids=[stop])
    assert trace.token_ids.tolist() == theirs
    assert len(trace.steps) <= 2


def test_the_prompt_is_the_encoders_and_the_decoder_starts_from_one_token(pair):
    trace = pair.trace
    assert (trace.prompt, trace.encoder.text) == (TEXT, TEXT)
    assert trace.encoder.tokens[-1] == "</s>"
    assert "<extra_id_0>" in trace.encoder.tokens
    assert (trace.n_prompt, trace.tokens[0]) == (1, "<pad>")
    assert trace.encoder.special.tolist() == [False] * (trace.encoder.n_tokens - 1) + [True]


def test_logits_are_those_of_each_step(pair):
    # A gated MLP multiplies by a GELU that torch computes in one kernel and transformers in eight.
    unit = pair.unit * (4 if pair.ours.card.mlp_is_gated else 1)
    assert_close(pair.logits.double(), pair.replay["logits"].double(), unit, "logits")


def test_both_caches_hold_the_rows_of_the_dynamic_caches(pair):
    caches = pair.replay["cache"]
    for layer in range(pair.trace.model.n_layers):
        own = caches.self_attention_cache.layers[layer]
        cross = caches.cross_attention_cache.layers[layer]
        unit = pair.traced_unit
        assert_close(pair.trace.keys(layer), own.keys[0].double(), unit, "keys")
        assert_close(pair.trace.values(layer), own.values[0].double(), unit, "values")
        assert_close(pair.trace.cross_keys(layer), cross.keys[0].double(), unit, "cross keys")
        assert_close(pair.trace.cross_values(layer), cross.values[0].double(), unit, "cross values")


def test_patterns_are_the_attentions_of_each_step(pair):
    trace = pair.trace
    for layer, head in heads(trace):
        own, cross = trace.pattern(layer, head), trace.cross_pattern(layer, head)
        own_limit = limit_of(pair, trace.scores(layer, head))
        cross_limit = limit_of(pair, trace.cross.scores(layer, head))
        for number in range(N_NEW):
            theirs = pair.replay["own"][number][layer][head, 0].double().numpy()
            assert np.abs(own[number, : number + 1] - theirs).max() <= own_limit
            theirs = pair.replay["cross"][number][layer][head, 0].double().numpy()
            assert np.abs(cross[number] - theirs).max() <= cross_limit


def test_patterns_without_the_cache_are_the_attentions_of_one_full_pass(pair):
    trace = pair.both.uncached
    with torch.no_grad():
        output = pair.plain(
            pair.encoder_ids,
            decoder_input_ids=torch.tensor(trace.token_ids[:-1])[None],
            output_attentions=True,
        )
    for layer, head in heads(trace):
        pattern = trace.pattern(layer, head)
        assert np.isnan(pattern[np.triu_indices_from(pattern, 1)]).all()
        theirs = output.decoder_attentions[layer][0, head].double().numpy()
        limit = limit_of(pair, trace.scores(layer, head))
        assert np.abs(np.nan_to_num(pattern) - theirs).max() <= limit
        theirs = output.cross_attentions[layer][0, head].double().numpy()
        limit = limit_of(pair, trace.cross.scores(layer, head))
        assert np.abs(trace.cross_pattern(layer, head) - theirs).max() <= limit


def test_the_encoders_pass_is_that_of_transformers(pair):
    for enc in (pair.trace.encoder, trace_encoding(pair.ours, TEXT)):
        theirs = pair.replay["encoder"]
        assert (enc.mask, enc.model.n_layers) == ("bidirectional", pair.plain.config.num_layers)
        for layer, states in enumerate(theirs.hidden_states):
            assert_close(enc.hidden(layer), states[0].double(), pair.traced_unit, f"states {layer}")
        for layer, head in heads(enc):
            pattern, scores = enc.pattern(layer, head), enc.scores(layer, head)
            weights = theirs.attentions[layer][0, head].double().numpy()
            assert np.abs(pattern - weights).max() <= limit_of(pair, scores)


@pytest.mark.parametrize("use_cache", [True, False])
def test_flops_are_those_that_torch_counts(pair, use_cache):
    # Two steps: the second has more keys than the first, and without the cache more rows.
    with FlopCounterMode(display=False) as counter:
        trace = trace_generation(pair.ours, TEXT, max_new_tokens=2, use_cache=use_cache)
    flops = [step.flops for step in trace.steps]
    assert sum(flops) + trace.encoder.flops == counter.get_total_flops()
    costs = step_costs(trace.model, 1, 2, use_cache=use_cache, n_encoder=trace.encoder.n_tokens)
    assert costs.flops.tolist() == flops
    assert costs.cache_bytes.tolist() == [step.cache_bytes for step in trace.steps]


def test_flops_of_the_encoder_are_those_that_torch_counts(pair):
    with FlopCounterMode(display=False) as counter:
        enc = trace_encoding(pair.ours, TEXT)
    assert enc.flops == counter.get_total_flops()


def test_cache_bytes_are_those_of_the_dynamic_caches(pair):
    caches = pair.replay["cache"]
    theirs = sum(
        layer.keys.nbytes + layer.values.nbytes
        for cache in (caches.self_attention_cache, caches.cross_attention_cache)
        for layer in cache.layers
    )
    assert pair.trace.steps[-1].cache_bytes == theirs


def test_scores_are_not_scaled(pair):
    assert (pair.trace.score_scale == 1).all()
    assert (pair.trace.cross.score_scale == 1).all()
    assert (pair.trace.encoder.score_scale == 1).all()


def test_the_position_bias_is_that_of_the_first_layer(pair):
    n = pair.trace.n_rows
    attention = pair.plain.decoder.block[0].layer[0].SelfAttention
    with torch.no_grad():
        bias = attention.compute_bias(n, n)[0].float().tril().numpy()
    np.testing.assert_array_equal(pair.trace.position_bias, bias)


def test_the_head_is_the_one_in_the_file(pair):
    weights = load_file(pair.folder / "model.safetensors")
    name = "shared.weight" if pair.case.tied else "lm_head.weight"
    expected = weights[name].to(pair.ours.dtype)
    assert torch.equal(pair.ours.module.lm_head.weight, expected)
    assert torch.equal(pair.plain.lm_head.weight, expected)


def test_card_tells_the_shape(pair):
    card, config = pair.ours.card, pair.plain.config
    assert (card.n_layers, card.n_encoder_layers) == (config.num_decoder_layers, config.num_layers)
    assert (card.d_head, card.d_model, card.n_heads) == (
        config.d_kv,
        config.d_model,
        config.num_heads,
    )
    assert card.mlp_is_gated == config.is_gated_act
    assert card.n_params == pair.plain.num_parameters()
    assert card.n_ctx == 64


def test_tokens_are_the_same_without_the_cache(pair):
    both = pair.both
    # Logits of up to about 100, through three layers of sums of up to 40 products.
    assert both.max_logit_difference < 5000 * pair.unit
    if pair.unit < 1e-6:  # bfloat16 and float16 round so coarsely that an arg-max may flip
        assert both.same_tokens
