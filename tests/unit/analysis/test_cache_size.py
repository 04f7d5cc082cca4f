from dataclasses import replace

import pytest

from kvviz.analysis import cache_bytes
from kvviz.analysis.cache_size import architecture_cache_bytes, cache_terms, constant_bytes
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
        # 4 of 32 layers attend: 2 x 4 x 8 x 128 x 262,144 x 2. Beside it 28 states of 8,192 x 16 in
        # float32, and the last 4 inputs of 8,192 channels: 28 x 8,192 x (16 x 4 + 4 x 2)
        ("jamba-v0.1", 262_144, 4_294_967_296 + 16_515_072),
        # A state alone: 64 x (5,120 x 16 x 4 + 5,120 x 4 x 2), whatever was read
        ("mamba-2.8b", 1, 23_592_960),
        ("mamba-2.8b", 1_048_576, 23_592_960),
        # 15 of 60 layers: 2 x 15 x 2 x 256 x 2; 45 states: 64 x 128 x 128 x 4 + 4 x 12,288 x 2
        ("qwen3.5-397b-a17b", 1, 30_720 + 193_167_360),
        # Lightning attention, in the cache's format: 2 x 10 x 8 x 128 x 2 + 70 x 64 x 128 x 128 x 2
        ("minimax-text-01", 1, 40_960 + 146_800_640),
        # MLA and an indexer's key: 61 x (512 + 64 + 128) x 2
        ("deepseek-v3.2", 1, 85_888),
        # 21 of 78 layers have an indexer: (78 x 576 + 21 x 128) x 2
        ("glm-5.2", 1, 95_232),
        # Windows of 128 rows of 512 in 43 layers; a row for every 4 positions and an indexer's key
        # in 21, and one for every 128 in 20: (43 x 128 x 512 + 21 x 250 x 640 + 20 x 7 x 512) x 2
        ("deepseek-v4-flash", 1_000, 12_499_456),
        ("deepseek-v4-flash", 3, 43 * 3 * 512 * 2),
        ("bert-base", 512, 0),
        ("mamba-2.8b", 0, 0),
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


def test_jamba_takes_what_its_paper_says_it_takes():
    # arXiv 2403.19887, table 1: KV cache of 256K tokens in 16 bits, in GB of 2 to the 30th.
    published = {"jamba-v0.1": 4, "mixtral-8x7b": 32}
    counted = {
        name: architecture_cache_bytes(SHAPES[name], 2**18) - constant_bytes(SHAPES[name])
        for name in published
    }
    assert counted == {name: size * 2**30 for name, size in published.items()}


def test_deepseek_v4_takes_about_the_share_that_its_makers_report():
    # They report 10 % of DeepSeek-V3.2's cache at one million tokens, with most rows in 8 bits or
    # fewer in both; in one format throughout it is a little more.
    pro, before = (
        architecture_cache_bytes(SHAPES[name], 10**6)
        for name in ("deepseek-v4-pro", "deepseek-v3.2")
    )
    assert 0.09 < pro / before < 0.12


def test_a_state_is_part_of_the_cache_from_the_first_token_on_and_does_not_grow():
    for name, shape in SHAPES.items():
        state = constant_bytes(shape, n_users=3)
        assert (state > 0) == (shape.state is not None), name
        first, second, third = (architecture_cache_bytes(shape, n, n_users=3) for n in (1, 2, 3))
        assert third - second == second - first == first - state
        assert architecture_cache_bytes(shape, 0) == 0


def test_the_matrices_of_a_state_stay_in_float32_where_the_cache_is_narrower():
    shape = SHAPES["nemotron-3-super"]
    wide, narrow = (constant_bytes(shape, number=number) for number in ("float32", "4 bits"))
    matrices = 40 * 128 * 128 * 64 * 4
    inputs = 40 * (128 * 64 + 2 * 8 * 128) * 4
    assert (wide, narrow) == (matrices + inputs * 4, matrices + inputs // 2)
    linear = SHAPES["minimax-text-01"]
    assert constant_bytes(linear, number="8 bits") * 2 == constant_bytes(linear)


def test_states_say_what_they_are():
    rows, matrices, inputs = cache_terms(SHAPES["qwen3.5-397b-a17b"], 5)
    assert (rows.n_layers, matrices.n_layers, inputs.n_layers) == (15, 45, 45)
    assert (rows.is_constant, matrices.is_constant, inputs.is_constant) == (False, True, True)
    assert (matrices.row, matrices.number) == ("64 × 128 × 128", "float32")
    assert inputs.row == "12,288 channels × 4 positions"
    latent, keys = cache_terms(SHAPES["glm-5.2"], 5)
    assert (latent.n_layers, keys.n_layers, keys.row) == (78, 21, "128 numbers")


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
        lambda: constant_bytes(shape, n_users=0),
        lambda: architecture_cache_bytes(shape, 1, number="int3"),
        lambda: architecture_cache_bytes(replace(shape, attention="other"), 1),
    ):
        with pytest.raises(OptionsError):
            call()
