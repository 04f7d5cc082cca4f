"""What a decode step says to torch in fewer words has the bits of what it stands for."""

import pytest
import torch
from transformers.models.llama.modeling_llama import LlamaRMSNorm

from kvviz.engine.models.families.rms_norm import settle_norms
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
