from dataclasses import replace

import numpy as np
import pytest

from kvviz.analysis import vector_shift
from kvviz.errors import OptionsError
from tests.factories import make_encoding


def with_vectors(*vectors):
    encoding = make_encoding(n_tokens=2, n_layers=1, n_heads=1, d_head=2)
    hidden = np.zeros((2, 2, 2), dtype=np.float32)
    hidden[:, 1] = vectors
    return replace(encoding, hidden_states=hidden)


def test_equal_is_nothing_a_right_angle_one_and_the_opposite_two():
    one = with_vectors((1, 0), (1, 0))
    other = with_vectors((0, 3), (-2, 0))
    assert vector_shift(one, one, 1).tolist() == [0, 0]
    assert vector_shift(one, other, 1) == pytest.approx([1, 2], abs=1e-12)


def test_length_does_not_count_and_rounding_leaves_no_rest():
    one = with_vectors((0.1, 0.7), (0.3, 0.3))
    assert vector_shift(one, one, 1).tolist() == [0.0, 0.0]
    longer = with_vectors((0.2, 1.4), (0.6, 0.6))
    # float32 vectors, multiplied in float64.
    assert vector_shift(one, longer, 1) == pytest.approx([0, 0], abs=1e-7)


def test_a_position_beyond_the_text_is_refused():
    one = with_vectors((1, 0), (1, 0))
    with pytest.raises(OptionsError, match="no such position"):
        vector_shift(one, one, 2)
    with pytest.raises(OptionsError, match="no such position"):
        vector_shift(one, one, 1, -1)
