import numpy as np

from kvviz.analysis import head_measures
from kvviz.figures import head_comparison
from tests.factories import make_encoding


def test_every_head_is_a_dot_with_its_three_numbers():
    left = head_measures(make_encoding(n_layers=2, n_heads=3, family="gpt2"))
    right = head_measures(make_encoding(n_layers=3, n_heads=2, seed=4))
    figure = head_comparison({"one": left, "other": right})
    assert [trace.name for trace in figure.data] == ["one", "other"] * 3
    scales = (("forward", 100), ("entropy", 1), ("distance", 1))
    for number, trace in enumerate(figure.data):
        name, scale = scales[number // 2]
        measures = (left, right)[number % 2]
        assert np.array_equal(trace.y, getattr(measures, name).reshape(-1) * scale)
    layers, heads = figure.data[1].customdata.T
    assert layers.tolist() == [0, 0, 1, 1, 2, 2]
    assert heads.tolist() == [0, 1, 0, 1, 0, 1]


def test_a_head_stands_in_the_band_of_its_layer_beside_the_others():
    figure = head_comparison({"one": head_measures(make_encoding(n_layers=4, n_heads=5))})
    places = figure.data[0].x
    layers = figure.data[0].customdata[:, 0]
    assert (np.abs(places - layers) < 0.5).all()
    assert len(set(places.tolist())) == places.size


def test_each_panel_has_its_unit_and_the_two_models_their_own_marks():
    one = head_measures(make_encoding())
    figure = head_comparison({"one": one, "other": one})
    titles = [figure.layout[axis].title.text for axis in ("yaxis", "yaxis2", "yaxis3")]
    assert titles == ["looks ahead, %", "spread, bits", "reach, tokens"]
    first, second = figure.data[0].marker, figure.data[1].marker
    assert first.color != second.color
    assert first.symbol != second.symbol
    assert [trace.showlegend for trace in figure.data] == [True, True, False, False, False, False]
