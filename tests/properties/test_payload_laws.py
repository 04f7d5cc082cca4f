import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kvviz.analysis import THRESHOLDS, head_roles, to_csv
from kvviz.player import pack
from tests.payload_reader import square, unpack
from tests.properties.strategies import traces


@given(traces() | traces(in_windows=True), st.data())
def test_what_the_player_gets_is_off_by_half_a_level_at_most(trace, data):
    layer = data.draw(st.integers(0, trace.model.n_layers - 1))
    side = "on" if trace.options.use_cache else "off"
    header, arrays = unpack(pack(trace, layer=layer))
    assert header["n_rows"] == trace.n_rows
    for head in range(trace.model.n_heads):
        seen = square(arrays[f"{side}.pattern.{layer}"][head], trace.n_rows) / 255
        exact = np.nan_to_num(trace.pattern(layer, head))
        # 1e-6 for the float32 rounding of weights up to 1.
        assert np.abs(seen - exact).max() <= 0.5 / 255 + 1e-6
    for name, exact in (("key", trace.keys(layer)), ("value", trace.values(layer))):
        scale = arrays[f"{side}.{name}_scale.{layer}"].astype(np.float64)[:, None, None]
        seen = arrays[f"{side}.{name}s.{layer}"] * scale / 127
        # A ten-thousandth of a level for the float32 rounding of the quotient.
        assert (np.abs(seen - exact) <= 0.5 * scale / 127 * (1 + 1e-4)).all()


@given(traces() | traces(in_windows=True), st.data())
def test_thumbnails_never_miss_the_largest_weight(trace, data):
    layer = data.draw(st.integers(0, trace.model.n_layers - 1))
    _, arrays = unpack(pack(trace, layers=[]))
    _, whole = unpack(pack(trace, layers=[layer]))
    side = "on" if trace.options.use_cache else "off"
    largest = whole[f"{side}.pattern.{layer}"].max(axis=1)
    np.testing.assert_array_equal(arrays["thumbnails"][layer].max(axis=(1, 2)), largest)


@given(traces() | traces(in_windows=True))
def test_every_run_is_told_row_by_row_in_every_layer_and_head(trace):
    side = "on" if trace.options.use_cache else "off"
    _, arrays = unpack(pack(trace))
    n_steps, n_rows = len(trace.steps), trace.n_rows
    lives = np.zeros((arrays[f"{side}.life_of"].max() + 1, n_steps, n_rows), dtype=int)
    for life, step, state, first, end in arrays[f"{side}.lives"]:
        assert not lives[life, step, first:end].any()
        lives[life, step, first:end] = state
    for layer in range(trace.model.n_layers):
        for head in range(trace.model.n_kv_heads):
            told = lives[arrays[f"{side}.life_of"][layer, head]]
            for number, step in enumerate(trace.steps):
                expected = np.zeros(n_rows, dtype=int)
                written = trace.n_prompt + number
                expected[:written] = np.where(trace.live(number, layer)[head, :written], 2, 3)
                expected[step.computed] = 1
                np.testing.assert_array_equal(told[number], expected)


@given(traces() | traces(in_windows=True))
def test_every_run_can_be_measured_and_written_down(trace):
    assert all(THRESHOLDS[role.role] <= role.score <= 1 + 1e-6 for role in head_roles(trace))
    assert to_csv(trace).count("\n") >= len(trace.steps) + 1
