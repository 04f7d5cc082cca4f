import numpy as np
import pytest

from training.spans import corrupt_spans


@pytest.mark.parametrize(("n", "hidden", "spans"), [(64, 13, 6), (256, 51, 26), (1024, 205, 32)])
def test_a_fifth_is_hidden_in_spans_of_two_and_longer_ones_where_sentinels_run_out(
    n, hidden, spans
):
    source, target = corrupt_spans(np.arange(100, 100 + n), np.random.default_rng(0))
    assert np.sum(source >= 100) == n - hidden
    assert np.sum(source < 100) == np.sum(target < 100) == spans + 1
    assert np.sum(target >= 100) == hidden


def test_no_span_is_empty_and_none_touches_the_next():
    for seed in range(50):
        source, target = corrupt_spans(np.arange(100, 140), np.random.default_rng(seed))
        for ids in (source, target):
            special = ids < 100
            assert not np.any(special[:-2] & special[1:-1])
        assert source[0] >= 100
