from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvviz.analysis import (
    attention_distance,
    attention_entropy,
    cache_bytes,
    sink_mass,
    step_costs,
    token_passes,
)
from kvviz.errors import TraceError
from tests.properties.strategies import ALL, traces


@given(traces(ALL), st.data())
def test_a_pattern_is_causal_and_its_rows_sum_to_1(trace, data):
    layer = data.draw(st.integers(0, trace.model.n_layers - 1))
    head = data.draw(st.integers(0, trace.model.n_heads - 1))
    pattern = trace.pattern(layer, head)
    above = np.triu(np.ones_like(pattern, dtype=bool), k=1)
    assert np.isnan(pattern[above]).all()
    assert ((pattern[~above] >= 0) & (pattern[~above] <= 1)).all()
    # 20 float32 weights of at most 1, each rounded to 2^-24.
    np.testing.assert_allclose(np.nansum(pattern, axis=1), 1, atol=2e-6)


@given(traces(ALL))
def test_computed_and_reused_rows_are_all_rows_once(trace):
    for step in trace.steps:
        together = np.concatenate([step.reused, step.computed])
        np.testing.assert_array_equal(together, np.arange(trace.n_prompt + step.index))
        np.testing.assert_array_equal(step.fed, step.computed)


@given(traces(ALL))
def test_with_the_cache_every_row_is_computed_in_one_step_only(trace):
    computed = np.concatenate([step.computed for step in trace.steps])
    if trace.options.use_cache:
        np.testing.assert_array_equal(computed, np.arange(trace.n_rows))
    else:
        assert all(step.reused.size == 0 for step in trace.steps)
    expected = token_passes(trace.n_prompt, len(trace.steps), use_cache=trace.options.use_cache)
    assert computed.size == expected


@given(traces(ALL))
def test_the_last_token_has_no_row_yet(trace):
    assert trace.n_rows == trace.n_tokens - 1 == trace.steps[-1].n_rows
    assert trace.token_ids[-1] == trace.steps[-1].chosen_id


@given(traces(ALL))
def test_cache_bytes_are_the_formula_and_the_size_of_the_rows(trace):
    numbers = trace.all_keys.size + trace.all_values.size
    held = numbers * trace.model.bytes_per_number
    assert cache_bytes(trace.model, trace.n_rows) == held
    if trace.cross is not None:
        cross = trace.cross.keys.size + trace.cross.values.size
        held += cross * trace.model.bytes_per_number
    assert trace.steps[-1].cache_bytes == (held if trace.options.use_cache else 0)


@given(traces(ALL))
def test_the_cache_never_costs_more_rows_or_flops(trace):
    size = (trace.model, trace.n_prompt, len(trace.steps))
    n_encoder = 0 if trace.cross is None else trace.cross.n_encoder
    with_cache, without = (
        step_costs(*size, use_cache=use_cache, n_encoder=n_encoder) for use_cache in (True, False)
    )
    counts = with_cache if trace.options.use_cache else without
    for part in ("flops", "cache_bytes"):
        assert getattr(counts, part).tolist() == [getattr(step, part) for step in trace.steps]
    assert (with_cache.rows <= without.rows).all()
    assert (with_cache.flops <= without.flops).all()
    assert with_cache.flops[0] == without.flops[0]


@given(traces(ALL))
def test_measures_of_attention_stay_in_their_ranges(trace):
    pattern = trace.pattern(0, 0)
    n_seen = np.arange(1, trace.n_rows + 1)
    # Weights of float32 let a row that looks at all keys alike pass its bound by a rounding.
    slack = 1e-5
    entropy, mass = attention_entropy(pattern), sink_mass(pattern)
    distance = attention_distance(pattern)
    assert ((entropy >= 0) & (entropy <= np.log2(n_seen) + slack)).all()
    assert ((mass >= 0) & (mass <= 1 + slack)).all()
    assert ((distance >= 0) & (distance <= n_seen - 1 + slack)).all()
    assert (entropy[0], distance[0]) == (0, 0)
    assert mass[0] == 1


@given(traces(ALL), st.integers())
def test_an_index_outside_the_model_is_refused(trace, index):
    card = trace.model
    for count, ask in (
        (card.n_layers, trace.keys),
        (card.n_layers, trace.values),
        (card.n_layers, lambda i: trace.pattern(i, 0)),
        (card.n_heads, lambda i: trace.pattern(0, i)),
    ):
        if 0 <= index < count:
            ask(index)
        else:
            with pytest.raises(TraceError, match=str(index)):
                ask(index)


@given(traces(ALL), st.integers(0, 7), st.sampled_from(["fed", "computed", "reused"]), st.data())
def test_a_step_with_other_positions_makes_no_trace(trace, number, name, data):
    number = min(number, len(trace.steps) - 1)
    step = trace.steps[number]
    positions = np.unique(
        np.array(data.draw(st.lists(st.integers(0, 20), max_size=21)), dtype=np.int64)
    )
    if np.array_equal(positions, getattr(step, name)):
        return

    def rebuilt():
        steps = list(trace.steps)
        steps[number] = replace(step, **{name: positions})
        return replace(trace, steps=steps)

    with pytest.raises(TraceError):
        rebuilt()


@given(traces(in_windows=True), st.data())
def test_rows_of_a_windowed_layer_are_live_evicted_or_not_written_and_never_two_of_them(
    trace, data
):
    layer = data.draw(st.integers(0, trace.model.n_layers - 1))
    window, positions = trace.model.window(layer), np.arange(trace.n_rows)
    gone = np.zeros((trace.model.n_kv_heads, trace.n_rows), dtype=bool)
    for step in trace.steps:
        n_rows = trace.n_prompt + step.index
        live = trace.live(step.index, layer)
        assert not (live & gone).any()
        assert np.array_equal(live | gone, np.broadcast_to(positions < n_rows, live.shape))
        of_layer = step.evicted[1:, step.evicted[0] == layer]
        assert (live & ~gone)[*of_layer].all()
        gone[*of_layer] = True
        assert not np.intersect1d(step.computed, step.reused).size
        if not trace.options.use_cache:
            assert not gone.any()
        elif window is not None:
            # What the next query will see, and no more.
            kept = (positions < n_rows) & (positions > n_rows - window)
            assert np.array_equal(live & ~gone, np.broadcast_to(kept, live.shape))
    pattern = trace.pattern(layer, 0)
    distance = positions[:, None] - positions[None]
    seen = (distance >= 0) & (distance < (window or trace.n_rows))
    assert np.array_equal(~np.isnan(pattern), seen)
    np.testing.assert_allclose(np.nansum(pattern, axis=1), 1, atol=2e-6)
    numbers = sum(
        2 * trace.all_keys[one, :, trace.n_rows - trace.model.n_kept(one, trace.n_rows) :].size
        for one in range(trace.model.n_layers)
    )
    held = numbers * trace.model.bytes_per_number
    assert trace.steps[-1].cache_bytes == (held if trace.options.use_cache else 0)


@given(traces(in_windows=True), st.data())
def test_a_step_that_drops_another_row_than_what_falls_out_makes_no_trace(trace, data):
    number = data.draw(st.integers(0, len(trace.steps) - 1))
    step, card = trace.steps[number], trace.model
    row = [
        data.draw(st.integers(0, n - 1))
        for n in (card.n_layers, card.n_kv_heads, trace.n_prompt + number)
    ]
    there = (row == step.evicted.T).all(axis=1)
    other = step.evicted[:, ~there] if there.any() else np.array(row)[:, None]
    steps = [*trace.steps]
    steps[number] = replace(step, evicted=np.ascontiguousarray(other))
    with pytest.raises(TraceError):
        replace(trace, steps=steps)
