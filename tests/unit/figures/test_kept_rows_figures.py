"""The figures of the cache lab: what they are given is what they draw, each with its unit."""

import numpy as np
import pytest

from kvviz.figures import theme
from kvviz.figures.error_lines import STYLES, ErrorLine
from kvviz.figures.kept_steps import KeptSteps, kept_steps
from kvviz.figures.loss_by_budget import loss_by_budget
from kvviz.figures.needle_gain import needle_gain
from kvviz.figures.sink_heads import sink_heads
from kvviz.figures.sink_losses import sink_losses
from tests.unit.figures.test_theme import contrast

VALUES, ERRORS = np.array([0.5, 0.25, -0.125]), np.array([0.1, 0.05, 0.0])
LINES = [ErrorLine("heavy", "H2O", VALUES, ERRORS), ErrorLine("lot", "control", VALUES, 0 * ERRORS)]


def test_a_step_at_which_the_token_is_another_is_marked_hollow():
    ways = [KeptSteps("way", VALUES.clip(0), np.array([True, False, True]))]
    (line,) = kept_steps(ways, step=1).data
    assert line.y.tolist() == [0.5, 0.25, 0.0]
    assert [symbol.endswith("-open") for symbol in line.marker.symbol] == [False, True, False]
    assert list(line.text) == ["same token", "another token", "same token"]


@pytest.mark.parametrize(
    ("figure", "name", "unit"),
    [
        (loss_by_budget((16, 32, 64), LINES), "loss-by-budget", "nats a token"),
        (needle_gain((8, 32, 72), LINES), "needle-gain", "nats a token"),
    ],
)
def test_lines_are_drawn_with_their_errors_and_units(figure, name, unit):
    assert figure.layout.meta["figure"] == name
    assert unit in figure.layout.yaxis.title.text
    for trace, line in zip(figure.data, LINES, strict=True):
        assert np.array_equal(trace.y, line.values)
        assert np.array_equal(trace.error_y.array, line.errors)
        assert trace.error_y.visible == bool(line.errors.any())


def test_budgets_stand_on_the_axis_as_they_are():
    assert loss_by_budget((16, 32, 64), LINES).layout.xaxis.ticktext == ("16", "32", "64")


def test_bars_and_cells_say_what_they_are_given():
    (bars,) = sink_losses((0, 1, 4), VALUES, ERRORS).data
    assert bars.x == ("0", "1", "4")
    assert np.array_equal(bars.y, VALUES)
    mass = np.array([[0.1, 0.2], [0.3, 0.9]])
    cells, numbers = sink_heads(mass).data
    np.testing.assert_allclose(cells.z, 100 * mass)
    placed = {(x, y): text for x, y, text in zip(numbers.x, numbers.y, numbers.text, strict=True)}
    assert placed == {(0, 0): "10", (1, 0): "20", (0, 1): "30", (1, 1): "90"}
    (cells,) = sink_heads(np.full((2, 17), 0.01)).data
    assert cells.texttemplate is None


@pytest.mark.parametrize("dark", [False, True])
def test_numbers_can_be_read_on_the_lightest_and_on_the_heaviest_cell(dark):
    figure = sink_heads(np.array([[0.0, 1.0]]), dark=dark)
    cells, numbers = figure.data
    # They take the colour of the page's text, and no cell chooses another for itself.
    assert (cells.texttemplate, numbers.textfont.color) == (None, None)
    layout = theme.template(dark=dark).layout
    ground = np.array([int(layout.paper_bgcolor[at : at + 2], 16) for at in (1, 3, 5)])
    for _, colour in cells.colorscale:
        *ink, share = (float(part) for part in colour[5:-1].split(","))
        seen = (share * np.array(ink) + (1 - share) * ground).round().astype(int)
        # WCAG 2.2, 1.4.3: at least 4.5 to 1 for text.
        assert contrast("#" + bytes(seen.tolist()).hex(), layout.font.color) >= 4.5


@pytest.mark.parametrize("dark", [False, True])
def test_every_line_stands_out_from_both_grounds(dark):
    ground = theme.template(dark=dark).layout.paper_bgcolor
    colours = {*(style[0] for style in STYLES.values()), theme.KEPT[0], theme.CONTROL[0]}
    # WCAG 2.2, 1.4.11: at least 3 to 1 for parts of a chart.
    assert {colour for colour in colours if contrast(colour, ground) < 3} == set()
