import numpy as np

from kvviz.figures import attention_map
from kvviz.figures.attention_map import NAMED_UP_TO, NO_WIDTH


def test_each_token_is_a_row_and_a_column_even_if_it_comes_twice():
    pattern = np.random.default_rng(0).dirichlet(np.ones(4), size=4)
    figure = attention_map(pattern, ["the", "cat", "the", "cat"])
    (trace,) = figure.data
    assert len(set(trace.x)) == len(set(trace.y)) == 4
    assert [name.replace(NO_WIDTH, "") for name in trace.y] == ["the", "cat", "the", "cat"]
    assert np.array_equal(trace.z, pattern.astype(np.float32))
    assert (trace.zmin, trace.zmax) == (0, 1)
    assert figure.layout.yaxis.autorange == "reversed"


def test_no_weight_lets_the_ground_through_and_what_is_masked_is_left_empty():
    pattern = np.array([[1.0, np.nan], [0.5, 0.5]])
    (trace,) = attention_map(pattern, ["a", "b"]).data
    assert np.isnan(trace.z[0][1])
    none, full = (colour for _, colour in trace.colorscale)
    assert none.endswith("0.05)")
    assert full.endswith("1)")


def test_a_long_text_is_numbered_and_fits_the_page():
    n = NAMED_UP_TO + 1
    figure = attention_map(np.full((n, n), 1 / n), ["word"] * n)
    assert figure.data[0].x[-1] == str(n - 1)
    assert figure.layout.height <= 640
