import pytest

from kvviz.analysis.bytes_moved import step_bytes
from kvviz.analysis.cache_widths import cache_widths, sequences_that_fit
from kvviz.analysis.roofline import attainable, roof_points
from kvviz.errors import OptionsError
from kvviz.trace import forward_flops
from kvviz.trace.ceilings import Ceilings
from tests.races import CARD, made_up_race


def test_bytes_of_a_step_by_hand():
    """Of all 3,416 parameters those of the 48 positions are left out, but for the rows used."""
    decode = step_bytes(CARD, 1, 9)
    assert decode.weights == 4 * (3_416 - 48 * 8 + 8 + 8)
    assert decode.cache_read == 8 * 192
    assert decode.cache_written == 192
    assert decode.total == decode.weights + 9 * 192
    prefill = step_bytes(CARD, 9, 9, batch=2)
    assert (prefill.cache_read, prefill.cache_written) == (0, 2 * 9 * 192)
    assert prefill.weights - decode.weights == 4 * 8 * (2 * 9 - 1 + 9 - 1)
    full = step_bytes(CARD, 9, 9, use_cache=False)
    assert (full.cache_read, full.cache_written) == (0, 0)


@pytest.mark.parametrize(
    ("rows", "more"),
    [((0, 3), {}), ((4, 3), {}), ((1, 3), {"use_cache": False}), ((1, 1), {"batch": 0})],
)
def test_what_is_no_step_moves_no_bytes(rows, more):
    with pytest.raises(OptionsError):
        step_bytes(CARD, *rows, **more)


def test_points_of_a_race():
    points = roof_points(made_up_race(batch=2), n_lengths=2)
    assert [(one.kind, one.n_new, one.n_keys) for one in points] == [
        ("prefill", 5, 5),
        ("decode", 1, 6),
        ("decode", 1, 8),
        ("full pass", 6, 6),
        ("full pass", 8, 8),
    ]
    last = points[-1]
    assert last.flops == 2 * forward_flops(CARD, 8, 8)
    assert last.seconds == 10.0
    assert last.flops_per_second == last.flops / 10
    assert last.n_bytes == step_bytes(CARD, 8, 8, batch=2, use_cache=False).total
    assert points[1].intensity < points[0].intensity < last.intensity


def test_a_race_of_one_token_has_a_prefill_only():
    assert [one.kind for one in roof_points(made_up_race([(1.0,)], [(1.0,)]))] == ["prefill"]


def test_the_roof_is_the_lower_of_both_ceilings():
    ceilings = Ceilings(10.0, 50.0, 1, 1, "float32", "cpu", 1, 7)
    assert [attainable(ceilings, one) for one in (1.0, 5.0, 100.0)] == [10.0, 50.0, 50.0]


def test_widths_of_a_cache_by_hand():
    wide, half, narrow = cache_widths(CARD, batch=2)
    assert [one.bytes_per_token for one in (wide, half, narrow)] == [192, 96, 48]
    assert wide.full_context == 192 * 48
    weights = 3_416 * 4
    assert (wide.break_even - 1) * 192 * 2 <= weights < wide.break_even * 192 * 2
    assert (narrow.break_even - 1) * 48 * 2 <= weights < narrow.break_even * 48 * 2


def test_whole_sequences_fit():
    assert sequences_that_fit(1000, 300) == 3
    assert sequences_that_fit(-5, 300) == 0
