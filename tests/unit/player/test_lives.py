"""The lives of the rows are what the observers saw, packed as spans."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kvviz.player.lives import STATES, cross_lives, lives, spans
from tests.factories import make_card, make_trace


def unpacked(found):
    """Return which rows have which state at which step: (step, state) to a list of rows."""
    rows = {}
    for step, state, first, end in found.tolist():
        rows.setdefault((step, STATES[state]), []).extend(range(first, end))
    return rows


@given(st.sets(st.integers(0, 60)))
def test_spans_hold_the_rows_and_no_two_of_them_touch(rows):
    ascending = np.array(sorted(rows), dtype=np.int64)
    found = list(spans(ascending))
    assert [row for first, end in found for row in range(first, end)] == ascending.tolist()
    assert all(end < first for (_, end), (first, _) in pairwise(found))


def test_each_step_says_what_was_computed_and_what_was_read():
    for use_cache in (True, False):
        run = make_trace(n_prompt=4, n_new=5, use_cache=use_cache)
        rows = unpacked(lives(run, 5))
        for step in run.steps:
            assert rows.pop((step.index, "computed")) == step.computed.tolist()
            assert rows.pop((step.index, "read"), []) == step.reused.tolist()
        assert rows == {}


def test_steps_beyond_those_that_are_shown_are_left_out():
    assert lives(make_trace(n_prompt=4, n_new=5), 2)[:, 0].max() == 1


def test_the_rows_of_the_second_cache_are_its_own():
    run = make_trace(1, 3, card=make_card(family="t5"))
    rows = unpacked(cross_lives(run, len(run.steps)))
    assert rows[0, "computed"] == run.steps[0].cross_computed.tolist() != []
    assert rows[1, "read"] == run.steps[1].cross_reused.tolist() != []
    assert (1, "computed") not in rows
