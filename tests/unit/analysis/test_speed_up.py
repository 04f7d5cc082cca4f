import numpy as np
import pytest

from kvviz.analysis.speed_up import gap, side_times, speed_ups
from tests.races import made_up_race


def test_the_first_steps_of_a_race_are_a_shorter_race():
    ups = speed_ups(made_up_race())
    assert ups.n_new.tolist() == [1, 2, 3, 4]
    assert ups.median.tolist() == [0.5, 2.5 / 2, 5.5 / 3, 15.5 / 4]
    assert ups.last == 15.5 / 4


def test_repeats_are_compared_round_by_round():
    """A round in which everything is twice as slow changes no ratio."""
    ups = speed_ups(made_up_race([(1.0, 1.0), (2.0, 2.0)], [(1.0, 3.0), (2.0, 6.0)]))
    assert ups.median.tolist() == ups.low.tolist() == ups.high.tolist() == [1.0, 2.0]
    ups = speed_ups(made_up_race([(1.0,)] * 3, [(1.0,), (5.0,), (2.0,)]))
    assert (ups.low[0], ups.median[0], ups.high[0]) == (1.0, 2.0, 5.0)


def test_where_a_factor_is_reached_and_kept():
    ups = speed_ups(made_up_race([(1.0,) * 5], [(3.0, 0.2, 0.8, 8.0, 8.0)]))
    assert np.allclose(ups.median, [3.0, 1.6, 4 / 3, 3.0, 4.0])
    assert ups.lasting_from(1.0) == 1
    assert ups.lasting_from(2.0) == 4
    assert ups.lasting_from(5.0) is None
    assert ups.n_below(2.0) == 2


def test_tokens_a_second_count_the_whole_batch():
    times = side_times(made_up_race(batch=3))
    assert times.cached["median"] == 4.0
    assert times.cached_rate == 3.0
    assert times.uncached_rate == pytest.approx(12 / 15.5)


def test_the_gap_between_work_and_time_by_hand():
    """5 + 3 rows with the cache; 5 + 6 + 7 + 8 without."""
    found = gap(made_up_race())
    assert found.passes == 26 / 8
    assert found.seconds == 15.5 / 4
    assert found.n_rows == 8
    assert found.row_alone == 1.0
    assert found.row_among == 10.0 / 8
    assert 1 < found.flops < found.passes
    assert gap(made_up_race([(1.0,)], [(1.0,)])).row_alone is None
