from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from kvviz.errors import TraceError
from kvviz.trace import Step
from tests.factories import make_trace

DECODE = make_trace(n_prompt=4, n_new=3).steps[1]
PROBS = DECODE.top_probs


def positions(*numbers: int) -> np.ndarray:
    return np.array(numbers, dtype=np.int64)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": "prefill"}, "Step 0 is the prefill"),
        ({"fed": positions(4, 4)}, "ascend"),
        ({"computed": positions(-1)}, "ascend"),
        ({"reused": positions(2, 1)}, "ascend"),
        ({"reused": positions(3, 4)}, "either computed or reused"),
        ({"fed": np.array([[4]])}, "axes"),
        ({"fed": np.array([4], dtype=np.int32)}, "array of int64"),
        ({"fed": [4]}, "must be an array"),
        ({"top_ids": DECODE.top_ids[:-1]}, "has its probabilities"),
        (
            {
                "top_ids": positions(),
                "top_probs": PROBS[:0],
                "top_sampling_probs": PROBS[:0],
            },
            "at least one",
        ),
        ({"top_probs": PROBS[::-1].copy()}, "comes first"),
        ({"top_probs": PROBS - PROBS.max()}, "lie in"),
        ({"top_probs": PROBS * 2 + 1}, "lie in"),
        ({"top_probs": PROBS.astype(np.float64)}, "array of float32"),
        ({"top_sampling_probs": PROBS * np.float32("nan")}, "not finite"),
        ({"chosen_prob": 1.5}, "lie in"),
        ({"chosen_prob": float("nan")}, "lie in"),
        ({"seconds": -1.0}, "from 0 on"),
        ({"seconds": float("inf")}, "from 0 on"),
        ({"flops": -1}, "from 0 on"),
        ({"cache_bytes": -4}, "from 0 on"),
        ({"max_row_change": float("nan")}, "from 0 on"),
    ],
)
def test_a_step_that_contradicts_itself_is_refused(change, words):
    with pytest.raises(TraceError, match=words):
        replace(DECODE, **change)


def test_rows_that_attention_reads_are_the_computed_and_the_reused():
    assert DECODE.n_rows == 5
    np.testing.assert_array_equal(np.sort([*DECODE.computed, *DECODE.reused]), np.arange(5))


def test_arrays_of_a_step_cannot_be_written():
    with pytest.raises(ValueError, match="read-only"):
        DECODE.computed[0] = 3


def test_the_ends_of_each_range_are_allowed():
    for prob in (0.0, 1.0):
        replace(DECODE, chosen_prob=prob)
    alike = np.array([0.5, 0.5, 0.0, 0.0, 0.0], dtype=np.float32)
    replace(DECODE, top_probs=alike, top_sampling_probs=alike[::-1].copy(), seconds=0.0)


def test_a_step_is_frozen():
    with pytest.raises(FrozenInstanceError):
        DECODE.chosen_id = 3


def test_a_row_that_was_computed_once_has_not_moved():
    fields = {name: value for name, value in vars(DECODE).items() if name != "max_row_change"}
    assert Step(**fields).max_row_change == 0.0
