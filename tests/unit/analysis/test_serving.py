import pytest

from kvviz.analysis.serving import (
    accelerators_needed,
    parameter_bytes,
    usable_bytes,
    users_that_fit,
)
from kvviz.errors import OptionsError


def test_weights_take_the_width_of_their_format():
    assert parameter_bytes(405_853_388_800) == 811_706_777_600
    assert parameter_bytes(3, "4 bits") == 2
    assert parameter_bytes(3, "float32") == 12


def test_a_tenth_of_the_memory_is_kept_free():
    assert usable_bytes(80) == 72_000_000_000
    assert accelerators_needed(72_000_000_000, 80) == 1
    assert accelerators_needed(72_000_000_001, 80) == 2
    assert accelerators_needed(811_706_777_600 + 67_645_734_912, 80) == 13


def test_users_fill_what_the_weights_leave():
    assert users_that_fit(16_000_000_000, 4_000_000_000, 24, 1) == 1
    assert users_that_fit(16_000_000_000, 4_000_000_000, 24, 2) == 6
    assert users_that_fit(100_000_000_000, 1, 24, 1) == 0


def test_whoever_needs_just_so_many_has_room_for_them():
    for weights, cache, memory, users in ((14_496, 537, 24, 9), (811_707, 67_646, 141, 3)):
        weights, cache = weights * 10**6, cache * 10**6
        n = accelerators_needed(weights + users * cache, memory)
        assert users_that_fit(weights, cache, memory, n) >= users
        assert users_that_fit(weights, cache, memory, n - 1) < users


def test_what_has_no_answer_is_refused():
    for call in (
        lambda: parameter_bytes(0),
        lambda: usable_bytes(0),
        lambda: accelerators_needed(0, 80),
        lambda: users_that_fit(1, 0, 80, 1),
    ):
        with pytest.raises(OptionsError):
            call()
