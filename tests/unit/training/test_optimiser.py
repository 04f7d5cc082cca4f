import torch

from training.models import build_model
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
