import dataclasses
from dataclasses import replace

import pytest
import torch

from training.models import build_model
from training.recipes import recipe_named


@pytest.mark.parametrize("family", ["gpt2", "bert"])
def test_neighbours_of_an_untrained_twin_are_related_alike_everywhere(tiny_recipe, family):
    shape = dataclasses.replace(tiny_recipe.shape, family=family, d_model=32)
    model = build_model(shape)
    embeddings = model.transformer.wpe if family == "gpt2" else model.bert.embeddings
    weight = getattr(embeddings, "position_embeddings", embeddings).weight
    positions = weight.detach()
    products = positions @ positions.T
    for distance in (1, 2, 7):
        across = products.diagonal(distance)
        assert torch.allclose(across, across[0].expand_as(across), atol=1e-4)  # float32 sines
    assert products.diagonal(1).mean() < products.diagonal().mean()


def test_llama_mini_is_within_11_mb_and_its_query_heads_share_a_quarter_as_many_kv_heads():
    model = build_model(recipe_named("llama-mini").shape)
    config = model.config
    assert config.num_attention_heads == 4 * config.num_key_value_heads
    assert model.lm_head.weight is model.model.embed_tokens.weight
    assert 2 * sum(p.numel() for p in model.parameters()) <= 11_000_000
    wider = replace(recipe_named("llama-mini").shape, d_mlp=config.intermediate_size + 32)
    assert 2 * sum(p.numel() for p in build_model(wider).parameters()) > 11_000_000


@torch.no_grad()
def test_an_untrained_t5_attends_to_neighbours_and_across_to_the_same_token(tiny_recipe):
    torch.manual_seed(0)
    shape = dataclasses.replace(tiny_recipe.shape, family="t5", n_heads=4, d_model=64)
    model = build_model(shape).eval()
    model.set_attn_implementation("eager")
    source = torch.randperm(4000)[None, :24] + 90
    blank = 11
    seen = model(
        input_ids=source,
        decoder_input_ids=source[:, blank : blank + 1],
        output_attentions=True,
    )
    patterns = seen.encoder_attentions[0][0]  # head query key
    on_the_left, on_the_right = patterns.tril(-1).sum((1, 2)), patterns.triu(1).sum((1, 2))
    assert on_the_left[0] > 2 * on_the_right[0]
    assert on_the_right[1] > 2 * on_the_left[1]
    assert patterns[0].tril(-4).sum() < 0.2 * on_the_left[0]
    for across in seen.cross_attentions:
        assert across[0, :, 0, blank].mean() > 0.4  # by chance it is one in 24
