import numpy as np
import pytest

from kvviz.analysis import attention_distance, attention_entropy, sink_mass
from kvviz.errors import PatternError
from tests.factories import make_trace

MEASURES = (attention_entropy, sink_mass, attention_distance)


def test_entropy_is_zero_on_one_key_and_log2_n_on_n():
    pattern = np.array([[1.0, 0.0, 0.0, 0.0], [0.5, 0.5, 0.0, 0.0], [0.25, 0.25, 0.25, 0.25]])
    np.testing.assert_array_equal(attention_entropy(pattern), [0.0, 1.0, 2.0])
    assert not np.signbit(attention_entropy(pattern)[0])


def test_sink_mass_is_the_share_of_the_first_positions():
    pattern = np.array([[1.0, 0.0, 0.0], [0.25, 0.75, 0.0], [0.1, 0.2, 0.7]])
    np.testing.assert_allclose(sink_mass(pattern), [1.0, 0.25, 0.1])
    np.testing.assert_allclose(sink_mass(pattern, 2), [1.0, 1.0, 0.3])


def test_distance_is_in_positions_whichever_way():
    pattern = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [0.5, 0.5, 0.0]])
    np.testing.assert_array_equal(attention_distance(pattern), [2.0, 0.0, 1.5])


@pytest.mark.parametrize("measure", MEASURES)
def test_masked_cells_count_as_no_attention(measure):
    pattern = make_trace(n_prompt=9).pattern(0, 0)
    assert np.isnan(pattern).any()
    np.testing.assert_array_equal(measure(pattern), measure(np.nan_to_num(pattern)))


@pytest.mark.parametrize("measure", MEASURES)
def test_further_axes_in_front_are_kept(measure):
    patterns = np.stack([make_trace().pattern(0, head) for head in (0, 1)])
    assert measure(patterns).shape == (2, 6)
    np.testing.assert_array_equal(measure(patterns)[1], measure(patterns[1]))


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        (np.array([1.0]), "axis"),
        (np.empty((0, 3)), "axis"),
        (np.array([[0.5, 0.4], [0.5, 0.5]]), "sum to 1"),
        (np.array([[1.5, -0.5], [0.5, 0.5]]), "sum to 1"),
        (np.array([[np.inf, 0.0], [0.5, 0.5]]), "sum to 1"),
        (np.full((2, 2), np.nan), "sum to 1"),
        (make_trace().scores(0, 0), "sum to 1"),
    ],
)
def test_what_is_no_pattern_is_refused(measure, pattern, words):
    with pytest.raises(PatternError, match=words):
        measure(pattern)


def test_a_row_may_be_off_by_what_float32_rounds_and_no_more():
    row = np.full((1, 1024), 1 / 1024)
    attention_entropy(row * (1 + 6e-5))
    with pytest.raises(PatternError):
        attention_entropy(row * (1 + 2e-4))


@pytest.mark.parametrize("n_sink", [0, 3, -1])
def test_a_sink_of_no_or_too_many_positions_is_refused(n_sink):
    with pytest.raises(PatternError, match="sink"):
        sink_mass(np.eye(2), n_sink)


def test_distances_need_a_square():
    with pytest.raises(PatternError, match="over itself"):
        attention_distance(np.array([[0.5, 0.5]]))


def test_all_keys_may_be_the_sink():
    np.testing.assert_array_equal(sink_mass(np.array([[0.25, 0.25, 0.5]]), 3), [1.0])
