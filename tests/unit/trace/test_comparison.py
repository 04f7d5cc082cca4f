from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from kvviz.errors import TraceError
from tests.factories import make_comparison, make_trace

COMPARISON = make_comparison()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"cached": COMPARISON.uncached}, "with the full cache and one without"),
        ({"uncached": COMPARISON.cached}, "with the full cache and one without"),
        ({"uncached": replace(COMPARISON.uncached, prompt="another")}, "same prompt"),
        ({"uncached": make_trace(seed=1, use_cache=False, prompt=COMPARISON.cached.prompt)},
         "same prompt"),
        ({"logit_differences": np.zeros(0)}, "for each step"),
        ({"logit_differences": np.zeros(4)}, "for each step"),
        ({"logit_differences": -np.ones(3)}, "for each step"),
        ({"logit_differences": np.array([np.nan])}, "not finite"),
        ({"logit_differences": np.zeros(3, dtype=np.float32)}, "float64"),
    ],
)  # fmt: skip
def test_a_comparison_of_different_things_is_refused(change, words):
    with pytest.raises(TraceError, match=words):
        replace(COMPARISON, **change)


def test_the_largest_difference_is_that_of_any_step():
    differences = np.array([0.0, 3e-6, 1e-6])
    assert replace(COMPARISON, logit_differences=differences).max_logit_difference == 3e-6


def test_same_tokens_means_all_of_them():
    assert COMPARISON.same_tokens
    ids = COMPARISON.cached.token_ids.copy()
    ids[-1] = (ids[-1] + 1) % 64
    other = make_trace(use_cache=False, token_ids=ids)
    assert not replace(COMPARISON, uncached=other).same_tokens


def test_one_step_without_a_difference_is_enough():
    assert replace(COMPARISON, logit_differences=np.zeros(1)).max_logit_difference == 0.0


def test_rows_differ_by_their_largest_number_in_any_layer_key_or_value():
    same = replace(COMPARISON, uncached=make_trace(use_cache=False))
    keys, values = same.uncached.all_keys.copy(), same.uncached.all_values.copy()
    keys[:], values[:] = same.cached.all_keys, same.cached.all_values
    keys[1, 0, 3, 2] += 0.25
    values[0, 1, 3, 0] -= 0.5
    values[1, 1, 4, 1] += 0.125
    other = replace(same.uncached, all_keys=keys, all_values=values)
    expected = np.zeros(same.cached.n_rows, dtype=np.float32)
    expected[3], expected[4] = 0.5, 0.125
    found = replace(same, uncached=other).row_differences
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_comparison_is_frozen_and_says_what_it_compares():
    with pytest.raises(FrozenInstanceError):
        COMPARISON.cached = COMPARISON.uncached
    assert repr(COMPARISON.cached) in repr(COMPARISON)
    assert replace(COMPARISON) != COMPARISON
