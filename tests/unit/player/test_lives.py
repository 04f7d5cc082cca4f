"""The lives of the rows are what the observers saw, packed as spans."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvviz.player.lives import STATES, cross_lives, lives, spans
from kvviz.trace.named_cache import NamedCache
from kvviz.trace.packed_rows import PackedRows
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


def told(run, n_steps):
    """Return the spans of each life, and the number of the life of each layer's KV heads."""
    (_, spans), (_, life_of) = lives("on", run, n_steps)
    numbers = range(life_of.max() + 1)
    return [spans[spans[:, 0] == number, 1:] for number in numbers], life_of


def test_each_step_says_what_was_computed_and_what_was_read():
    for use_cache in (True, False):
        run = make_trace(n_prompt=4, n_new=5, use_cache=use_cache)
        (only,), life_of = told(run, 5)
        assert life_of.tolist() == [[0, 0], [0, 0]]
        rows = unpacked(only)
        for step in run.steps:
            assert rows.pop((step.index, "computed")) == step.computed.tolist()
            assert rows.pop((step.index, "read"), []) == step.reused.tolist()
        assert rows == {}


def test_what_the_first_step_reads_comes_from_another_run():
    run = make_trace(n_prompt=4, n_new=3)
    first = replace(
        run.steps[0], fed=np.arange(3, 4), computed=np.arange(3, 4), reused=np.arange(3)
    )
    options = replace(run.options, n_shared=3)
    (only,), _ = told(replace(run, options=options, steps=[first, *run.steps[1:]]), 3)
    rows = unpacked(only)
    assert (rows[0, "shared"], rows[0, "computed"]) == ([0, 1, 2], [3])
    assert (rows[1, "read"], rows[2, "read"]) == ([0, 1, 2, 3], [0, 1, 2, 3, 4])


def test_a_row_is_told_as_packed_from_the_step_on_that_reads_its_key_or_its_value_so():
    run = make_trace(n_prompt=4, n_new=4)
    n_rows = run.n_rows
    # Rows 0 and 1 are packed after the prefill; of row 2 the value after step 1, the key never.
    packed_after = np.full((2, n_rows), len(run.steps))
    packed_after[:, :2], packed_after[1, 2] = 0, 1
    each = np.stack([run.keys(layer) for layer in range(run.model.n_layers)]).astype(np.float32)
    rows = PackedRows(each, each.copy(), packed_after)
    options = replace(run.options, cache=NamedCache("in-few-bits", ()))
    (only,), _ = told(replace(run, options=options, packed=rows), 4)
    states = unpacked(only)
    assert (0, "packed") not in states
    assert (states[1, "packed"], states[1, "read"]) == ([0, 1], [2, 3])
    assert (states[2, "packed"], states[2, "read"]) == ([0, 1, 2], [3, 4])
    assert states[3, "packed"] == [0, 1, 2]


def test_steps_beyond_those_that_are_shown_are_left_out():
    (only,), _ = told(make_trace(n_prompt=4, n_new=5), 2)
    assert only[:, 0].max() == 1


def windowed(windows, use_cache=True, n_new=7):
    card = make_card(len(windows), 4, n_kv_heads=2, family="gemma3", windows=windows)
    return make_trace(5, n_new, card=card, use_cache=use_cache)


@pytest.mark.parametrize("windows", [(3, 0, 3, 6), (4, 4), (0, 2)])
def test_a_row_that_fell_out_of_a_window_is_told_where_it_did_and_nowhere_else(windows):
    run = windowed(windows)
    found, life_of = told(run, len(run.steps))
    assert len(found) == len(set(windows))
    for layer in range(run.model.n_layers):
        assert len(set(life_of[layer])) == 1
        rows = unpacked(found[life_of[layer, 0]])
        for number, step in enumerate(run.steps):
            live = np.flatnonzero(run.live(number, layer)[0])
            computed = rows.pop((number, "computed"))
            read, gone = rows.pop((number, "read"), []), rows.pop((number, "evicted"), [])
            assert computed == step.computed.tolist()
            assert sorted([*computed, *read]) == live.tolist()
            assert sorted([*computed, *read, *gone]) == list(range(5 + number))
        assert rows == {}


def test_without_the_cache_nothing_is_told_to_be_gone():
    (only,), life_of = told(windowed((3, 0), use_cache=False), 7)
    assert life_of.max() == 0
    assert {state for _, state in unpacked(only)} == {"computed"}


def test_a_row_dropped_after_the_last_step_shown_parts_no_lives():
    # After the second step rows of both windows are gone, of the wider one not before.
    run = windowed((3, 6), n_new=3)
    assert len(told(run, 3)[0]) == 2
    assert len(told(windowed((6, 7), n_new=3), 1)[0]) == 1


def test_the_rows_of_the_second_cache_are_its_own():
    run = make_trace(1, 3, card=make_card(family="t5"))
    rows = unpacked(cross_lives(run, len(run.steps)))
    assert rows[0, "computed"] == run.steps[0].cross_computed.tolist() != []
    assert rows[1, "read"] == run.steps[1].cross_reused.tolist() != []
    assert (1, "computed") not in rows
