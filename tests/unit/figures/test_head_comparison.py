import numpy as np
import pytest

from kvviz.analysis import head_measures
from kvviz.figures import head_comparison
from kvviz.figures.head_comparison import MEASURES
from tests.factories import make_encoding


@pytest.mark.parametrize(("measure", "scale"), [("forward", 100), ("entropy", 1), ("distance", 1)])
def test_every_head_is_a_dot_with_its_number(measure, scale):
    left = head_measures(make_encoding(n_layers=2, n_heads=3, family="gpt2"))
    right = head_measures(make_encoding(n_layers=3, n_heads=2, seed=4))
    figure = head_comparison({"one": left, "other": right}, measure)
    assert [trace.name for trace in figure.data] == ["one", "other"]
    for trace, found in zip(figure.data, (left, right), strict=True):
        assert np.array_equal(trace.y, getattr(found, measure).reshape(-1) * scale)
    layers, heads = figure.data[1].customdata.T
    assert layers.tolist() == [0, 0, 1, 1, 2, 2]
    assert heads.tolist() == [0, 1, 0, 1, 0, 1]


def test_a_head_stands_in_the_band_of_its_layer_beside_the_others():
    one = head_measures(make_encoding(n_layers=4, n_heads=5))
    figure = head_comparison({"one": one}, "entropy")
    places = figure.data[0].x
    layers = figure.data[0].customdata[:, 0]
    assert (np.abs(places - layers) < 0.5).all()
    assert len(set(places.tolist())) == places.size


def test_each_figure_has_its_unit_and_the_two_models_their_own_marks():
    one = head_measures(make_encoding())
    figures = [head_comparison({"one": one, "other": one}, measure) for measure in MEASURES]
    titles = [figure.layout.yaxis.title.text for figure in figures]
    assert titles == ["looks ahead, %", "spread, bits", "reach, tokens"]
    assert len({figure.layout.meta["figure"] for figure in figures}) == 3
    for figure in figures:
        first, second = (trace.marker for trace in figure.data)
        assert first.color != second.color
        assert first.symbol != second.symbol
