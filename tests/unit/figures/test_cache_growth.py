import numpy as np
import pytest

from kvviz.analysis.cache_size import architecture_cache_bytes, constant_bytes
from kvviz.errors import OptionsError
from kvviz.figures.cache_growth import cache_growth, without_savings
from kvviz.lessons.model_table import model_table

SHAPES = {row.id: row.shape for row in model_table() if row.shape is not None}


def lines(figure):
    return {trace.name: trace for trace in figure.data}


@pytest.mark.parametrize("model", ["gpt2", "gemma-3-27b", "deepseek-v3", "palm", "t5-base"])
def test_the_line_is_the_formula_up_to_the_models_context(model):
    shape = SHAPES[model]
    drawn = lines(cache_growth(shape, 10**9, n_tokens=100, n_users=3, number="8 bits"))
    line = drawn["KV cache"]
    assert line.x[-1] == shape.n_ctx
    assert list(line.y) == [
        architecture_cache_bytes(shape, int(n), n_users=3, number="8 bits") for n in line.x
    ]
    assert (drawn["your choice"].x[0], drawn["weights"].y[0]) == (100, 10**9)
    assert drawn["your choice"].y[0] == line.y[np.flatnonzero(line.x == 100)[0]]


def test_what_is_saved_is_drawn_where_something_is():
    for model, ratio in (("llama-3.1-405b", 16), ("palm", 48), ("deepseek-v3", 128 * 320 / 576)):
        drawn = lines(cache_growth(SHAPES[model], 1, n_tokens=64))
        bare = drawn["if every query head kept its own"]
        np.testing.assert_allclose(bare.y / drawn["KV cache"].y, ratio)
        assert bare.line.dash == "dot"
    assert "if every query head kept its own" not in lines(
        cache_growth(SHAPES["gpt2"], 1, n_tokens=64)
    )


@pytest.mark.parametrize("model", ["jamba-v0.1", "qwen3.5-397b-a17b", "kimi-linear-48b-a3b"])
def test_a_state_is_a_flat_line_beside_the_growing_cache(model):
    shape = SHAPES[model]
    drawn = lines(cache_growth(shape, 10**9, n_tokens=4_096, n_users=2))
    state, line = drawn["state, which does not grow"], drawn["rows and state"]
    assert set(state.y) == {constant_bytes(shape, n_users=2)}
    assert (state.x[0], state.x[-1]) == (line.x[0], line.x[-1])
    assert all(line.y > state.y[0])
    assert line.y[-1] > line.y[0]
    assert state.line.dash not in (None, "dot", drawn["weights"].line.dash)


def test_a_model_that_keeps_a_state_alone_has_one_flat_line():
    drawn = lines(cache_growth(SHAPES["mamba2-2.7b"], 10**9, n_tokens=100))
    assert set(drawn) == {"state, which does not grow", "your choice", "weights"}
    assert len(set(drawn["state, which does not grow"].y)) == 1
    layout = cache_growth(SHAPES["mamba2-2.7b"], 10**9, n_tokens=100).layout
    marked = [tick for tick in layout.yaxis.tickvals if 10 ** layout.yaxis.range[0] <= tick
              <= 10 ** layout.yaxis.range[1]]  # fmt: skip
    assert len(marked) >= 2


def test_without_states_their_layers_attend_as_the_others_do():
    bare = without_savings(SHAPES["nemotron-3-nano"])
    assert (bare.n_attention_layers, bare.state, bare.n_kv_heads) == (6 + 23, None, 32)
    indexed = without_savings(SHAPES["deepseek-v3.2"])
    assert (indexed.n_index_layers, indexed.d_index, indexed.attention) == (0, 0, "MHA")


def test_without_windows_all_layers_see_all():
    bare = without_savings(SHAPES["mistral-7b"])
    assert (bare.n_window_layers, bare.n_kv_heads, bare.attention) == (0, 32, "MHA")


def test_the_corner_of_a_window_is_a_point_of_the_line():
    assert 4_096 in lines(cache_growth(SHAPES["mistral-7b"], 1, n_tokens=9))["KV cache"].x


def test_units_stand_at_the_axes():
    layout = cache_growth(SHAPES["gpt2"], 1, n_tokens=1).layout
    assert (layout.xaxis.title.text, layout.yaxis.title.text) == ("tokens of context", "bytes")
    assert {"1 kB", "10 MB", "100 GB", "1 TB"} <= set(layout.yaxis.ticktext)


def test_nothing_to_draw_is_refused():
    for shape, n_tokens in ((SHAPES["bert-base"], 10), (SHAPES["gpt2"], 0)):
        with pytest.raises(OptionsError):
            cache_growth(shape, 1, n_tokens=n_tokens)
