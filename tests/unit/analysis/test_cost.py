import numpy as np
import pytest

from kvviz.analysis import bill, counted, fewer, step_costs, token_passes
from kvviz.errors import OptionsError
from kvviz.trace import forward_flops
from tests.factories import make_card, make_comparison

CARD = make_card(6, 8, 32)


def test_with_the_cache_each_row_is_computed_once():
    costs = step_costs(CARD, 7, 4, use_cache=True)
    np.testing.assert_array_equal(costs.rows, [7, 1, 1, 1])
    np.testing.assert_array_equal(costs.cache_bytes, np.array([7, 8, 9, 10]) * 12_288)
    assert costs.flops[2] == forward_flops(CARD, 1, 9)


def test_without_it_every_step_computes_every_row():
    costs = step_costs(CARD, 7, 4, use_cache=False)
    np.testing.assert_array_equal(costs.rows, [7, 8, 9, 10])
    np.testing.assert_array_equal(costs.cache_bytes, 0)
    assert costs.flops[2] == forward_flops(CARD, 9, 9)


def test_the_formulas_give_what_the_steps_of_a_run_say():
    comparison = make_comparison(n_prompt=5, n_new=6)
    for run in (comparison.cached, comparison.uncached):
        costs = step_costs(run.model, 5, 6, use_cache=run.options.use_cache)
        for number, step in enumerate(run.steps):
            assert costs.rows[number] == step.computed.size
            assert costs.flops[number] == step.flops
            assert costs.cache_bytes[number] == step.cache_bytes


@pytest.mark.parametrize(
    ("n_prompt", "n_steps", "with_cache", "without"),
    [(5, 1000, 1004, 504_500), (4, 200, 203, 20_700), (7, 1, 7, 7)],
)
def test_token_passes(n_prompt, n_steps, with_cache, without):
    for use_cache, expected in ((True, with_cache), (False, without)):
        assert token_passes(n_prompt, n_steps, use_cache=use_cache) == expected
        assert step_costs(CARD, n_prompt, n_steps, use_cache=use_cache).rows.sum() == expected


def test_a_bill_sums_what_is_spent_and_not_what_is_held():
    so_far = bill(step_costs(CARD, 7, 5, use_cache=True))
    np.testing.assert_array_equal(so_far["rows"], [7, 8, 9, 10, 11])
    np.testing.assert_array_equal(so_far["cache_bytes"], np.arange(7, 12) * 12_288)
    assert so_far["flops"][-1] == step_costs(CARD, 7, 5, use_cache=True).flops.sum()


@pytest.mark.parametrize(
    ("with_cache", "without", "words"),
    [
        (12, 57, "4.8x fewer rows"),
        (1_004, 504_500, "502x fewer rows"),
        (10, 99, "9.9x fewer rows"),
        (100, 997, "10x fewer rows"),
        (7, 7, "as many rows"),
        (1, 2_000, "2,000x fewer rows"),
        (4, 2, "2.0x more rows"),
    ],
)
def test_a_ratio_in_words(with_cache, without, words):
    assert fewer(with_cache, without, "rows") == words


@pytest.mark.parametrize("size", [(0, 3), (3, 0)])
def test_a_run_of_nothing_is_refused(size):
    with pytest.raises(OptionsError, match="at least one"):
        step_costs(CARD, *size, use_cache=True)


def test_counts_for_json_are_plain_numbers_of_both_sides():
    both = counted(CARD, 7, 3)
    assert both["on"]["rows"] == [7, 1, 1]
    assert both["off"]["rows"] == [7, 8, 9]
    assert {type(n) for side in both.values() for part in side.values() for n in part} == {int}


def test_the_smallest_run_is_one_token_and_one_step():
    assert step_costs(CARD, 1, 1, use_cache=True).rows.tolist() == [1]


def test_a_t5_pays_for_cross_attention_once_or_at_every_step():
    card = make_card(family="t5", n_layers=2, n_heads=3, d_head=4)
    with_cache = step_costs(card, 1, 3, use_cache=True, n_encoder=7)
    without = step_costs(card, 1, 3, use_cache=False, n_encoder=7)
    assert with_cache.rows.tolist() == [1, 1, 1]
    assert without.rows.tolist() == [1, 2, 3]
    assert with_cache.cache_bytes.tolist() == [
        (n + 7) * card.cache_bytes_per_token for n in (1, 2, 3)
    ]
    assert with_cache.flops[0] == without.flops[0]
    cross_rows = 2 * (2 * 2 * 7 * 12 * 12)  # layers x (K and V) x 2 m D A
    shorter = forward_flops(card, 1, 2, n_encoder=7)
    assert with_cache.flops[1] == shorter
    assert with_cache.flops[0] == forward_flops(card, 1, 1, n_encoder=7) + cross_rows
    assert without.flops[2] == forward_flops(card, 3, 3, 3, n_encoder=7, n_cross_computed=7)
    assert counted(card, 1, 3, 7)["off"]["flops"] == without.flops.tolist()


def test_an_encoder_belongs_to_a_t5():
    with pytest.raises(OptionsError, match="Found 3 tokens for tests/random, a gpt2"):
        step_costs(CARD, 1, 1, use_cache=True, n_encoder=3)
    with pytest.raises(OptionsError, match="Found 0 tokens"):
        step_costs(make_card(family="t5"), 1, 1, use_cache=True)
