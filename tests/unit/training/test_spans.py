import numpy as np
import pytest

from training.errors import RecipeError
from training.spans import corrupt_spans


def test_a_row_of_512_is_the_longest_that_the_sentinels_serve():
    source, target = corrupt_spans(np.arange(100, 612), np.random.default_rng(0))
    assert len(source) + len(target) == 512 + 2 * 26 + 2
    with pytest.raises(RecipeError, match=r"1024 tokens.*51 sentinels.*has 32"):
        corrupt_spans(np.arange(1024), np.random.default_rng(0))


def test_no_span_is_empty_and_none_touches_the_next():
    for seed in range(50):
        source, target = corrupt_spans(np.arange(100, 140), np.random.default_rng(seed))
        for ids in (source, target):
            special = ids < 100
            assert not np.any(special[:-2] & special[1:-1])
        assert source[0] >= 100
