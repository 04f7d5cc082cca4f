import dataclasses

import torch

from training.models import build_model


def test_neighbours_of_an_untrained_masked_model_are_related_alike_everywhere(tiny_recipe):
    shape = dataclasses.replace(tiny_recipe.shape, family="bert", d_model=32)
    positions = build_model(shape).bert.embeddings.position_embeddings.weight.detach()
    products = positions @ positions.T
    for distance in (1, 2, 7):
        across = products.diagonal(distance)
        assert torch.allclose(across, across[0].expand_as(across), atol=1e-4)  # float32 sines
    assert products.diagonal(1).mean() < products.diagonal().mean()
