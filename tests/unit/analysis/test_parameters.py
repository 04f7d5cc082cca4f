import pytest

from kvviz.analysis.parameters import count_parameters, parameters_of_gpt2_tensors
from kvviz.errors import OptionsError
from kvviz.lessons.model_table import model_table

SHAPES = {row.id: row.shape for row in model_table() if row.shape is not None}


def test_gpt2_small_part_by_part():
    count = count_parameters(SHAPES["gpt2"])
    assert count.embeddings == 50_257 * 768 + 1_024 * 768
    assert count.attention == 12 * (768 * 2_304 + 2_304 + 768 * 768 + 768)
    assert count.mlp == 12 * (2 * 768 * 3_072 + 3_072 + 768)
    assert count.other == 25 * 2 * 768
    assert (count.total, count.active, count.idle) == (124_439_808, 124_439_808, 0)
    assert sum(count.parts.values()) == count.total


def test_a_token_goes_through_its_own_experts_only():
    shape = SHAPES["mixtral-8x7b"]
    count = count_parameters(shape)
    expert = 3 * 4_096 * 14_336
    assert count.total - count.active == 32 * 6 * expert
    assert count.total == 46_702_792_704


def test_deepseek_v3_with_its_latent_rows_and_shared_expert():
    # Its routers have 58 x 256 correction biases besides, which are no part of any matrix here.
    assert count_parameters(SHAPES["deepseek-v3"]).total == 671_026_404_352


def test_the_tensors_of_a_gpt2_are_sorted_by_part():
    count = parameters_of_gpt2_tensors(
        {
            "transformer.wte.weight": (10, 4),
            "transformer.wpe.weight": (3, 4),
            "transformer.h.0.ln_1.weight": (4,),
            "transformer.h.0.attn.c_attn.weight": (4, 12),
            "transformer.h.0.attn.c_attn.bias": (12,),
            "transformer.h.0.mlp.c_fc.weight": (4, 16),
            "transformer.ln_f.bias": (4,),
        }
    )
    assert (count.embeddings, count.attention, count.mlp, count.other) == (52, 60, 64, 8)


def test_tensors_of_another_family_are_refused():
    with pytest.raises(OptionsError, match="embed_tokens"):
        parameters_of_gpt2_tensors({"model.embed_tokens.weight": (2, 2)})
