import pytest
import torch

from training.models import build_model
from training.muon import orthogonal
from training.optimiser import Optimiser, split_parameters


def test_the_matrices_of_the_blocks_go_to_muon_and_the_rest_to_adamw(tiny_recipe):
    model = build_model(tiny_recipe.shape)
    hidden, rest = split_parameters(model)
    names = {id(p): name for name, p in model.named_parameters()}
    assert {names[id(p)] for p in hidden} == {
        f"transformer.h.0.{part}.weight"
        for part in ("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj")
    }
    assert {"transformer.wte.weight", "transformer.wpe.weight"} <= {names[id(p)] for p in rest}


def test_every_parameter_is_in_one_group_and_the_tied_head_counts_once(tiny_recipe):
    model = build_model(tiny_recipe.shape)
    hidden, rest = split_parameters(model)
    assert sorted(map(id, hidden + rest)) == sorted({id(p) for p in model.parameters()})
    assert model.lm_head.weight is model.transformer.wte.weight


def test_a_step_moves_every_parameter_and_clears_the_gradients(tiny_recipe):
    model = build_model(tiny_recipe.shape)
    optimiser = Optimiser(model, tiny_recipe)
    before = [p.detach().clone() for p in model.parameters()]
    for p in model.parameters():
        p.grad = torch.randn(p.shape)
    norm = optimiser.step(0.5)
    assert norm > 1.0
    assert all(not torch.equal(p, b) for p, b in zip(model.parameters(), before, strict=True))
    assert all(p.grad is None for p in model.parameters())
    assert optimiser.muon.param_groups[0]["lr"] == 0.5 * tiny_recipe.muon_rate
    assert optimiser.adamw.param_groups[0]["lr"] == 0.5 * tiny_recipe.adamw_rate


@pytest.mark.parametrize("shape", [(24, 64), (64, 24), (32, 32)])
def test_an_update_keeps_its_directions_and_makes_their_sizes_alike(shape):
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    update = orthogonal(matrix, (3.4445, -4.7750, 2.0315), 5, 1e-7)
    left, sizes, right = torch.linalg.svd(matrix, full_matrices=False)
    seen = left.T @ update @ right.T
    apart = seen - seen.diagonal().diag()
    assert apart.abs().max() < 1e-4  # float32 sums
    wide = sizes > 0.05 * sizes[0]  # what is nearly nothing takes more steps to grow
    assert seen.diagonal()[wide].min() > 0.6
    assert seen.diagonal().max() < 1.3


def test_muon_in_float32_steps_as_torch_s_own_does_but_for_rounding(tiny_recipe):
    torch.manual_seed(0)
    models = [build_model(tiny_recipe.shape) for _ in range(2)]
    models[1].load_state_dict(models[0].state_dict())
    before = [p.detach().clone() for p in models[0].parameters()]
    optimisers = [
        Optimiser(model, tiny_recipe, bfloat16=bfloat16)
        for model, bfloat16 in zip(models, (True, False), strict=True)
    ]
    for _ in range(3):
        for p, q in zip(models[0].parameters(), models[1].parameters(), strict=True):
            p.grad = torch.randn(p.shape)
            q.grad = p.grad.clone()
        for optimiser in optimisers:
            optimiser.step(0.5)
    for old, p, q in zip(before, models[0].parameters(), models[1].parameters(), strict=True):
        moved = (p - old).norm()
        # bfloat16 has 8 bits, and five products of it in a row lose some more of them.
        assert (p - q).norm() < 0.05 * moved
    states = [optimiser.muon.state.values() for optimiser in optimisers]
    for one, other in zip(*states, strict=True):
        assert torch.equal(one["momentum_buffer"], other["momentum_buffer"])
