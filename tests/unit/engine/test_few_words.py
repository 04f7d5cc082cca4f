"""What a decode step says to torch in fewer words has the bits of what it stands for."""

from importlib import import_module

import pytest
import torch
from transformers.models.llama.modeling_llama import LlamaRMSNorm, apply_rotary_pos_emb

from kvviz.engine.models.families.rms_norm import settle_norms
from kvviz.engine.models.families.rotary_turn import settle_turning, turned
from kvviz.engine.observing.attention import grouped_product

FORMATS = [torch.float32, torch.bfloat16, torch.float16]


@pytest.mark.parametrize("dtype", FORMATS, ids=str)
def test_a_norm_gives_the_bits_of_transformers_own(dtype):
    draw = torch.Generator().manual_seed(1)
    plain = LlamaRMSNorm(48, eps=1e-5)
    plain.weight.data = 1 + 0.3 * torch.randn(48, generator=draw)
    plain = plain.to(dtype)
    settled = LlamaRMSNorm(48, eps=1e-5)
    settled.load_state_dict(plain.state_dict())
    settled = settled.to(dtype)
    settle_norms(settled)
    assert type(settled) is not type(plain)
    for n_rows, size in ((1, 1e-3), (1, 1.0), (7, 1.0), (3, 100.0)):
        rows = (size * torch.randn(2, n_rows, 48, generator=draw)).to(dtype)
        assert torch.equal(settled(rows), plain(rows))


@pytest.mark.parametrize("dtype", [*FORMATS, torch.float64], ids=str)
@pytest.mark.parametrize("d_head", [16, 48, 64])
@pytest.mark.parametrize("n_texts", [1, 2])
def test_scores_have_the_bits_of_a_product_that_is_scaled_after(dtype, d_head, n_texts):
    draw = torch.Generator().manual_seed(2)
    queries = torch.randn(n_texts, 6, 5, d_head, generator=draw).to(dtype)
    keys = torch.randn(n_texts, 2, 33, d_head, generator=draw).to(dtype)
    factor = d_head**-0.5
    scaled = grouped_product(queries, keys.transpose(-1, -2), factor)
    after = grouped_product(queries, keys.transpose(-1, -2)) * factor
    assert torch.equal(scaled, after)


@pytest.mark.parametrize("dtype", [*FORMATS, torch.float64], ids=str)
@pytest.mark.parametrize(("n_texts", "n_rows", "d_head"), [(1, 1, 64), (1, 7, 48), (2, 5, 6)])
def test_rows_are_turned_to_the_bits_of_transformers_own(dtype, n_texts, n_rows, d_head):
    draw = torch.Generator().manual_seed(3)
    queries, keys = (
        torch.randn(n_texts, n_rows, heads, d_head, generator=draw).to(dtype).transpose(1, 2)
        for heads in (6, 2)
    )
    half = torch.randn(n_texts, n_rows, d_head // 2, generator=draw)
    angles = torch.cat([half, half], dim=-1)
    cos, sin = angles.cos().to(dtype), angles.sin().to(dtype)
    before = [part.clone() for part in (queries, keys, cos, sin)]
    for _layer in range(2):  # the second with what the first kept
        ours = turned(queries, keys, cos, sin)
        theirs = apply_rotary_pos_emb(queries, keys, cos, sin)
        assert [part.shape for part in ours] == [part.shape for part in theirs]
        assert all(map(torch.equal, ours, theirs))
    assert all(map(torch.equal, before, (queries, keys, cos, sin)))


@pytest.mark.parametrize("family", ["llama", "mistral", "qwen2", "qwen3", "smollm3", "gemma3"])
def test_the_attention_of_each_rotary_family_turns_its_rows_so(family):
    module = import_module(f"transformers.models.{family}.modeling_{family}")
    name = {"qwen2": "Qwen2", "qwen3": "Qwen3", "smollm3": "SmolLM3", "gemma3": "Gemma3"}.get(
        family, family.title()
    )
    kind = getattr(module, f"{name}Attention")
    layer = kind.__new__(kind)
    torch.nn.Module.__init__(layer)
    settle_turning(layer)
    assert type(layer).forward.__globals__["apply_rotary_pos_emb"] is turned
    assert kind.forward.__globals__["apply_rotary_pos_emb"] is not turned
