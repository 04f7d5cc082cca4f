import numpy as np
import pytest

from kvviz.figures import vector_shifts


def test_each_model_is_a_line_over_the_layers():
    shifts = {"one": np.zeros(7), "other": np.linspace(0, 0.6, 5)}
    figure = vector_shifts(shifts)
    for trace, (name, distances) in zip(figure.data, shifts.items(), strict=True):
        assert trace.name == name
        assert trace.x.tolist() == list(range(distances.size))
        assert np.array_equal(trace.y, distances)
    assert figure.data[0].marker.symbol != figure.data[1].marker.symbol
    assert figure.data[0].line.dash != figure.data[1].line.dash


@pytest.mark.parametrize("largest", [0.0, 0.02, 1.7])
def test_the_axis_holds_all_and_shows_the_line_at_zero(largest):
    low, high = vector_shifts({"one": np.array([0.0, largest])}).layout.yaxis.range
    assert low < 0 < largest + 0.01 < high
