from dataclasses import replace

import pytest

from kvviz.analysis import (
    break_even_tokens,
    cache_arithmetic,
    cache_bytes,
    cache_bytes_unshared,
    weight_bytes,
)
from kvviz.errors import OptionsError
from tests.factories import make_card, make_trace

GPT2_SMALL = replace(make_card(12, 12, 64), n_params=124_439_808)


def test_gpt2_small_at_its_full_context():
    assert cache_bytes(GPT2_SMALL, 1024) == 75_497_472
    assert cache_bytes(GPT2_SMALL, 1024, batch=3) == 3 * 75_497_472
    assert cache_bytes(GPT2_SMALL, 0) == 0


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16", "float16"])
def test_the_formula_gives_the_bytes_that_the_arrays_of_a_run_take(dtype):
    trace = make_trace(card=make_card(3, 4, 8, n_kv_heads=2, dtype=dtype))
    numbers = trace.all_keys.size + trace.all_values.size
    assert cache_bytes(trace.model, trace.n_rows) == numbers * trace.model.bytes_per_number


def test_break_even_is_the_first_length_at_which_the_cache_is_larger():
    for batch, expected in ((1, 6_752), (7, 965)):
        n_tokens = break_even_tokens(GPT2_SMALL, batch=batch)
        assert n_tokens == expected
        weights = weight_bytes(GPT2_SMALL)
        assert cache_bytes(GPT2_SMALL, n_tokens, batch=batch) > weights
        assert cache_bytes(GPT2_SMALL, n_tokens - 1, batch=batch) <= weights


def test_a_window_stops_the_cache_from_growing():
    # A layer that sees all, and one that keeps the 9 rows that the tenth query sees beside its own.
    card = replace(make_card(2, 4, 8, n_kv_heads=1, windows=(0, 10)), n_params=500)
    row = 2 * 1 * 8 * 4
    assert [cache_bytes(card, n) for n in (9, 10, 11)] == [18 * row, 19 * row, 20 * row]
    n_tokens = break_even_tokens(card)
    assert cache_bytes(card, n_tokens) > weight_bytes(card) >= cache_bytes(card, n_tokens - 1)
    assert cache_arithmetic(card) == "2 × 2 layers × 1 KV head × 8 numbers × 4 bytes"
    with pytest.raises(OptionsError, match=r"never takes more bytes.*1,152 B, the weights 2,000 B"):
        break_even_tokens(replace(card, windows=(10, 10)))


def test_weights_are_counted_in_their_own_width():
    assert weight_bytes(make_card(dtype="float16")) == 2_000


def test_the_arithmetic_is_spelt_out():
    card = make_card(6, 8, 32)
    assert cache_arithmetic(card) == "2 × 6 layers × 8 heads × 32 numbers × 4 bytes"
    assert cache_bytes(card, 1) == 2 * 6 * 8 * 32 * 4


@pytest.mark.parametrize("size", [{"n_tokens": -1}, {"n_tokens": 1, "batch": 0}])
def test_negative_sizes_are_refused(size):
    assert break_even_tokens(GPT2_SMALL) == break_even_tokens(GPT2_SMALL, batch=1)
    with pytest.raises(OptionsError, match="at least one sequence"):
        cache_bytes(GPT2_SMALL, **size)


@pytest.mark.parametrize(
    ("kept", "n_kv_heads", "rows"),
    [
        ({}, 4, 3 * 20),
        ({"groups": True}, 1, 3 * 20),
        ({"windows": True}, 4, 20 + 2 * 9),
        ({"groups": True, "windows": True}, 1, 20 + 2 * 9),
    ],
)
def test_what_sharing_and_windows_save_is_the_same_formula_without_them(kept, n_kv_heads, rows):
    card = make_card(3, 4, 8, n_kv_heads=1, windows=(0, 10, 10))
    # 2 for K and V, heads of 8 numbers of 4 bytes.
    assert cache_bytes_unshared(card, 20, **kept) == 2 * n_kv_heads * 8 * 4 * rows
