import numpy as np

from kvviz.analysis.parameters import ParameterCount
from kvviz.figures.parameter_parts import parameter_parts

COUNTS = {"A": ParameterCount(50, 30, 19, 1), "B": ParameterCount(0, 1_000, 3_000, 0)}


def test_each_bar_is_whole_and_each_part_has_its_share_and_its_number():
    figure = parameter_parts(COUNTS)
    assert [bar.name for bar in figure.data] == ["embeddings", "attention", "MLP", "norms and rest"]
    np.testing.assert_allclose(sum(np.asarray(bar.x) for bar in figure.data), [100, 100])
    attention = figure.data[1]
    assert list(attention.y) == ["A", "B"]
    assert list(attention.x) == [30, 25]
    assert list(attention.customdata) == [30, 1_000]
    assert attention.text == ("30%", "25%")


def test_a_sliver_has_no_figure_in_it():
    assert parameter_parts(COUNTS).data[3].text == ("", "")


def test_the_axis_has_its_unit_and_the_legend_the_order_of_the_bars():
    layout = parameter_parts(COUNTS).layout
    assert layout.xaxis.title.text.endswith("%")
    assert layout.legend.traceorder == "normal"
