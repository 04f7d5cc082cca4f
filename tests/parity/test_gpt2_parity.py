"""kvviz against transformers on the same checkpoint: what is traced is what the model does."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from kvviz.engine import trace_generation
from kvviz.trace import forward_flops
from tests.parity.closeness import assert_close
from tests.parity.tiny_models import N_NEW, PROMPT


def test_greedy_tokens_are_those_of_generate(pair):
    ids = torch.tensor([pair.ours.tokenize(PROMPT)])
    theirs = pair.plain.generate(
        ids, attention_mask=torch.ones_like(ids), max_new_tokens=N_NEW, do_sample=False
    )
    assert pair.trace.token_ids.tolist() == theirs[0].tolist()
    assert len(set(pair.trace.token_ids[pair.trace.n_prompt :].tolist())) > 1, "no variety"


def test_logits_are_those_of_each_step(pair):
    assert_close(pair.logits.double(), pair.replay.logits.double(), pair.unit, "logits")


def test_keys_and_values_are_those_of_the_dynamic_cache(pair):
    for layer in range(pair.trace.model.n_layers):
        theirs = pair.replay.cache.layers[layer]
        keys, values = theirs.keys[0].double(), theirs.values[0].double()
        assert_close(pair.trace.keys(layer), keys, pair.traced_unit, "keys")
        assert_close(pair.trace.values(layer), values, pair.traced_unit, "values")


def heads(trace):
    return product(range(trace.model.n_layers), range(trace.model.n_heads))


def pattern_limit(trace, unit):
    """Return how far two patterns of the same operands may lie apart.

    In a short dtype transformers rounds scores, and weights again, where kvviz rounds neither. An
    error in a score, which is one of its roundings, makes the same error in a weight at most.
    """
    return unit * max(1.0, *(np.nanmax(np.abs(trace.scores(*head))) for head in heads(trace)))


def test_patterns_are_the_attentions_of_each_step(pair):
    limit = pattern_limit(pair.trace, pair.traced_unit)
    for layer, head in heads(pair.trace):
        pattern = pair.trace.pattern(layer, head)
        for step, weights in zip(pair.trace.steps, pair.replay.attentions, strict=True):
            rows = np.nan_to_num(pattern[step.fed, : step.n_rows])
            assert np.abs(rows - weights[layer][head].double().numpy()).max() <= limit


def test_patterns_without_the_cache_are_the_attentions_of_one_full_pass(pair):
    trace = pair.both.uncached
    with torch.no_grad():
        ids = torch.tensor(trace.token_ids[:-1])[None]
        attentions = pair.plain(ids, output_attentions=True).attentions
    limit = pattern_limit(trace, pair.traced_unit)
    for layer, head in heads(trace):
        pattern = trace.pattern(layer, head)
        assert np.isnan(pattern[np.triu_indices_from(pattern, 1)]).all()
        theirs = attentions[layer][0, head].double().numpy()
        assert np.abs(np.nan_to_num(pattern) - theirs).max() <= limit


def test_probabilities_are_the_softmax_of_the_logits(pair):
    probs = pair.logits.double().softmax(-1).numpy()
    for step, row in zip(pair.trace.steps, probs, strict=True):
        # The logarithm of the sum is taken in float32, of logits up to about ten.
        np.testing.assert_allclose(step.top_probs, row[step.top_ids], rtol=1e-5)
        assert step.chosen_prob == pytest.approx(row[step.chosen_id], rel=1e-5)
        assert set(step.top_ids) <= set(np.flatnonzero(row >= np.sort(row)[-10]))


@pytest.mark.parametrize("use_cache", [True, False])
def test_flops_are_those_that_torch_counts(pair, use_cache):
    # Two steps: the prompt, and one that has more keys and, without the cache, more rows.
    with FlopCounterMode(display=False) as counter:
        trace = trace_generation(pair.ours, PROMPT, max_new_tokens=2, use_cache=use_cache)
    assert sum(step.flops for step in trace.steps) == counter.get_total_flops()


def test_flops_are_those_of_a_plain_forward_pass(pair):
    ids = torch.tensor([pair.ours.tokenize(PROMPT)])
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        pair.plain(ids)
    n = ids.shape[1]
    assert forward_flops(pair.ours.card, n, n, n_logits=n) == counter.get_total_flops()


def test_cache_bytes_are_those_of_the_dynamic_cache(pair):
    theirs = sum(layer.keys.nbytes + layer.values.nbytes for layer in pair.replay.cache.layers)
    assert pair.trace.steps[-1].cache_bytes == theirs
    for step in pair.trace.steps:
        assert step.cache_bytes == pair.trace.model.cache_bytes_per_token * step.n_rows


def test_score_scale_is_the_one_that_the_module_uses(pair):
    scales = [block.attn.scaling for block in pair.plain.transformer.h]
    assert pair.trace.score_scale.tolist() == np.float32(scales).tolist()


def test_card_tells_the_shape(pair):
    card, config = pair.ours.card, pair.plain.config
    assert (card.n_layers, card.n_heads, card.d_model) == (
        config.n_layer,
        config.n_head,
        config.n_embd,
    )
    assert card.d_mlp == pair.plain.transformer.h[0].mlp.c_fc.nf
    assert card.n_params == pair.plain.num_parameters()
    assert (card.dtype, card.source, card.device) == (pair.case.dtype, "folder", "cpu")


def test_tokens_are_the_same_without_the_cache(pair):
    both = pair.both
    # Logits of up to about 20, through three layers of sums of up to 140 products.
    assert both.max_logit_difference < 1000 * pair.unit
    if pair.unit < 1e-6:  # bfloat16 and float16 round so coarsely that an arg-max may flip
        assert both.same_tokens
        assert both.logit_differences.size == N_NEW
