from dataclasses import replace

import numpy as np
import pytest

from kvviz.analysis.departure import departure
from kvviz.errors import TraceError
from tests.factories import make_encoding, make_trace

TEXT = np.array([1, 2, 3, 4, 5, 6], dtype=np.int64)
LEADERS = [9, 3, 4, 9, 6, 9]
"""What the model foresees after each token: right after the second, third and fifth."""


def encoding():
    read = make_encoding(6, family="gpt2", token_ids=TEXT)
    top_ids = np.array([[leader, 50, 51] for leader in LEADERS], dtype=np.int64)
    return replace(read, top_ids=top_ids, vocabulary={i: f"w{i}" for i in range(64)})


def free(written, n_prompt=2):
    ids = np.array([*TEXT[:n_prompt], *written], dtype=np.int64)
    return make_trace(n_prompt=n_prompt, n_new=len(written), token_ids=ids)


def test_forced_and_free_predictions_stand_at_the_same_places():
    found = departure(encoding(), free([3, 4, 9, 6]))
    assert found.n_given == 2
    assert found.true_ids.tolist() == [3, 4, 5, 6]
    assert found.forced_ids.tolist() == [3, 4, 9, 6]
    assert found.free_ids.tolist() == [3, 4, 9, 6]
    assert (found.departs_at, found.n_forced_right, found.n_free_right) == (2, 3, 3)


def test_a_run_that_ends_its_text_early_leaves_the_forced_predictions_whole():
    short = free([3, 9])
    asked = replace(short.options, max_new_tokens=4)
    found = departure(encoding(), replace(short, options=asked, stopped="end-of-text"))
    assert (found.n_places, found.n_written, found.departs_at) == (4, 2, 1)
    assert found.forced_ids.tolist() == [3, 4, 9, 6]
    assert found.forced_bits.size == 4
    assert (found.n_forced_right, found.n_free_right, found.free_bits.size) == (3, 1, 2)
    only_right = replace(free([3]), options=asked, stopped="end-of-text")
    assert departure(encoding(), only_right).departs_at == 1


def test_as_many_places_are_compared_as_were_asked_for_and_the_text_has():
    assert departure(encoding(), free([3])).n_places == 1
    assert departure(encoding(), free([3, 4, 5, 6, 7, 8])).n_places == 4
    assert departure(encoding(), free([3, 4, 5, 6])).departs_at == 4


def test_losses_are_those_of_the_predictions_before_each_place():
    read, run = encoding(), free([3, 4, 9, 6])
    found = departure(read, run)
    np.testing.assert_allclose(
        found.forced_bits, -read.label_logprobs[1:5].astype(np.float64) / np.log(2)
    )
    np.testing.assert_allclose(found.free_bits, [-np.log2(step.chosen_prob) for step in run.steps])


def test_a_run_from_another_beginning_is_refused():
    other = make_trace(n_prompt=2, n_new=2, token_ids=np.array([1, 7, 3, 4], dtype=np.int64))
    with pytest.raises(TraceError, match="begins with the tokens"):
        departure(encoding(), other)
    with pytest.raises(TraceError, match="the text goes on"):
        departure(encoding(), free([9], n_prompt=6))
