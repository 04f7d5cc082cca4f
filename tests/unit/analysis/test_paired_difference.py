import numpy as np
import pytest

from kvviz.analysis.paired_difference import paired_difference
from kvviz.errors import OptionsError


def test_the_mean_of_differences_and_its_standard_error_are_those_of_the_book():
    found = paired_difference(np.array([3.0, 5.0, 4.0]), np.array([1.0, 1.0, 1.0]))
    # Differences 2, 4, 3: mean 3, standard deviation 1, by the root of three.
    assert found.mean == 3.0
    assert found.error == pytest.approx(1 / np.sqrt(3))
    assert found.is_sure


def test_what_chance_brings_is_no_difference_and_one_token_shows_none():
    noise = np.random.default_rng(0).normal(size=200)
    assert not paired_difference(noise, np.zeros(200)).is_sure
    assert paired_difference(noise + 1, np.zeros(200)).is_sure
    assert not paired_difference(np.array([9.0]), np.array([1.0])).is_sure


def test_tokens_that_do_not_match_are_refused():
    with pytest.raises(OptionsError, match="on the same tokens"):
        paired_difference(np.zeros(3), np.zeros(2))
