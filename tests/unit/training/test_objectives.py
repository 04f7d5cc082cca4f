import numpy as np
import torch

from training.batches import Rows
from training.objectives import NextToken, build_model


def _rows(jump):
    tokens = np.random.default_rng(0).integers(0, 4096, (2, 33))
    positions = np.tile(np.arange(32), (2, 1))
    positions[:, 16:] += jump
    return Rows(tokens, positions)


def test_the_loss_is_the_model_s_own_at_ordinary_positions(tiny_recipe):
    torch.manual_seed(0)
    model = build_model(tiny_recipe.shape)
    rows = _rows(jump=0)
    loss = NextToken().loss(model, *NextToken().inputs(rows, torch.device("cpu")))
    tokens = torch.from_numpy(rows.tokens)
    logits = model(tokens[:, :-1]).logits
    own = torch.nn.functional.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())
    assert torch.allclose(loss, own, atol=1e-5)  # two orders of the same float32 sums


def test_tokens_after_a_jump_still_see_those_before_it(tiny_recipe):
    torch.manual_seed(0)
    model = build_model(tiny_recipe.shape)
    objective = NextToken()
    rows = _rows(jump=500)
    tokens, positions, targets = objective.inputs(rows, torch.device("cpu"))
    # Only the last token is scored: -100 is what cross-entropy leaves out.
    targets = targets.clone()
    targets[:, :-1] = -100
    loss = objective.loss(model, tokens, positions, targets)
    loss.backward()
    touched = model.transformer.wpe.weight.grad.abs().sum(1).nonzero().flatten()
    assert touched.tolist() == [*range(16), *range(516, 532)]
