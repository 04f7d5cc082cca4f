from dataclasses import replace

import pytest

from kvviz.analysis import cache_bytes
from kvviz.analysis.cache_size import architecture_cache_bytes, cache_terms
from kvviz.errors import OptionsError
from kvviz.lessons.model_table import model_table
from tests.factories import make_card

SHAPES = {row.id: row.shape for row in model_table() if row.shape is not None}


@pytest.mark.parametrize(
    ("model", "n_tokens", "expected"),
    [
        # 2 x 32 layers x 32 KV heads x 128 numbers x 2 bytes
        ("llama-2-7b", 1, 524_288),
        # GQA: 2 x 126 x 8 x 128 x 131,072 x 2
        ("llama-3.1-405b", 131_072, 67_645_734_912),
        # MQA: 2 x 118 x 1 x 256 x 2,048 x 2
        ("palm", 2_048, 247_463_936),
        # All layers have a window: 2 x 32 x 8 x 128 x 4,096 x 2, from there on no more
        ("mistral-7b", 4_095, 536_739_840),
        ("mistral-7b", 4_096, 536_870_912),
        ("mistral-7b", 32_768, 536_870_912),
        # 10 layers see all, 52 the last 1,024: (10 x 131,072 + 52 x 1,024) x 2 x 16 x 128 x 2
        ("gemma-3-27b", 131_072, 11_173_625_856),
        # MLA: 61 x (512 + 64) x 2
        ("deepseek-v3", 1, 70_272),
        # Own rows and those of the input: 12 x (2 x 12 x 64) x (512 + 512) x 2
        ("t5-base", 512, 37_748_736),
        ("bert-base", 512, 0),
        ("gpt2", 0, 0),
    ],
)
def test_the_bytes_of_one_sequence_by_hand(model, n_tokens, expected):
    assert architecture_cache_bytes(SHAPES[model], n_tokens) == expected


def test_three_models_take_what_a_paper_says_they_take():
    # arXiv 2505.09343, table 1: KV cache a token in bfloat16.
    published = {"deepseek-v3": 70.272, "qwen2.5-72b": 327.680, "llama-3.1-405b": 516.096}
    counted = {name: architecture_cache_bytes(SHAPES[name], 1) / 1e3 for name in published}
    assert counted == published


@pytest.mark.parametrize(
    ("n_layers", "n_heads", "d_head", "model"), [(12, 12, 64, "gpt2"), (6, 8, 32, "gpt2-mini")]
)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_it_is_the_formula_of_the_running_model(n_layers, n_heads, d_head, model, dtype):
    card = make_card(n_layers, n_heads, d_head, dtype=dtype)
    counted = architecture_cache_bytes(SHAPES[model], 77, n_users=3, number=dtype)
    assert counted == cache_bytes(card, 77, batch=3)


def test_users_and_formats_multiply():
    one = architecture_cache_bytes(SHAPES["qwen3-8b"], 1_000)
    assert architecture_cache_bytes(SHAPES["qwen3-8b"], 1_000, n_users=7) == 7 * one
    for number, ratio in (("float32", 2), ("float16", 1), ("8 bits", 1 / 2), ("4 bits", 1 / 4)):
        assert architecture_cache_bytes(SHAPES["qwen3-8b"], 1_000, number=number) == one * ratio


def test_the_groups_of_layers_add_up_and_say_what_they_are():
    wide, narrow = cache_terms(SHAPES["gpt-oss-120b"], 1_000)
    assert (wide.n_layers, wide.n_rows, narrow.n_layers, narrow.n_rows) == (18, 1_000, 18, 128)
    assert wide.row == "2 (K and V) × 8 KV heads × 64 numbers"
    assert wide.n_numbers == 2 * 8 * 64
    assert "last 128 positions" in narrow.what
    (latent,) = cache_terms(SHAPES["deepseek-v2"], 10)
    assert latent.row == "512 latent + 64 rotary numbers"
    (only,) = cache_terms(SHAPES["starcoder"], 10)
    assert "1 KV head ×" in only.row


def test_what_cannot_be_counted_is_refused():
    shape = SHAPES["gpt2"]
    for call in (
        lambda: architecture_cache_bytes(shape, -1),
        lambda: architecture_cache_bytes(shape, 1, n_users=0),
        lambda: architecture_cache_bytes(shape, 1, number="int3"),
        lambda: architecture_cache_bytes(replace(shape, attention="other"), 1),
    ):
        with pytest.raises(OptionsError):
            call()
