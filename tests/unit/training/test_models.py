import dataclasses

import pytest
import torch

from training.models import build_model


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
