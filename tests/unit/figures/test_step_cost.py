import base64
import json
import re

import numpy as np
import plotly.graph_objects as go
import pytest

from kvviz.analysis import step_costs
from kvviz.figures import step_cost, theme
from tests.factories import make_comparison, make_trace

COMPARISON = make_comparison(n_prompt=5, n_new=6)
TRACE = make_trace(n_prompt=5, n_new=6)
UNCACHED = make_trace(n_prompt=5, n_new=6, use_cache=False)


def lines(figure: go.Figure) -> dict[tuple[str, str], go.Scatter]:
    """Return the figure's traces by the unit of their chart and by their name."""
    units = {"y": "ms", "y2": "rows", "y3": "MFLOP"}
    return {(units[line.yaxis], line.name): line for line in figure.data}


def test_a_comparison_shows_what_both_runs_measured_and_counted():
    drawn = lines(step_cost(COMPARISON))
    assert len(drawn) == 6
    for side, run in (("with the cache", COMPARISON.cached), ("without", COMPARISON.uncached)):
        expected = {
            "ms": [step.seconds * 1000 for step in run.steps],
            "rows": [step.computed.size for step in run.steps],
            "MFLOP": [step.flops / 1e6 for step in run.steps],
        }
        for unit, numbers in expected.items():
            np.testing.assert_array_equal(drawn[unit, side].x, np.arange(6))
            np.testing.assert_array_equal(drawn[unit, side].y, numbers)


@pytest.mark.parametrize(
    ("trace", "own", "other"),
    [
        (TRACE, "with the cache", "without, by formula"),
        (UNCACHED, "without", "with the cache, by formula"),
    ],
)
def test_a_single_run_shows_the_other_side_by_formula_and_says_so(trace, own, other):
    drawn = lines(step_cost(trace))
    assert set(drawn) == {
        ("ms", own), ("rows", own), ("MFLOP", own), ("rows", other), ("MFLOP", other),
    }  # fmt: skip
    costs = step_costs(trace.model, 5, 6, use_cache=not trace.options.use_cache)
    np.testing.assert_array_equal(drawn["rows", other].y, costs.rows)
    np.testing.assert_array_equal(drawn["MFLOP", other].y, costs.flops / 1e6)
    assert drawn["rows", other].line.dash == "dot"
    assert drawn["rows", own].line.dash == "solid"
    assert "by formula" in drawn["rows", other].hovertemplate


def test_units_stand_at_the_axes_and_in_the_hover_text():
    figure = step_cost(COMPARISON)
    titles = [axis.title.text for axis in figure.select_yaxes()]
    assert titles == ["time, ms (measured)", "K/V rows computed", "MFLOP (counted)"]
    assert "step" in figure.layout.xaxis3.title.text
    for (unit, name), line in lines(figure).items():
        if unit == "rows":
            assert "%{text}<" in line.hovertemplate
            assert list(line.text) == ["1 row" if n == 1 else f"{n} rows" for n in line.y]
        else:
            assert re.search(rf"%\{{y:[^}}]+\}} {unit}<", line.hovertemplate)
        assert name in line.hovertemplate


def test_the_sides_differ_in_colour_and_in_shape():
    drawn = lines(step_cost(COMPARISON))
    one, other = drawn["rows", "with the cache"], drawn["rows", "without"]
    assert (one.line.color, other.line.color) == (theme.WITH_CACHE, theme.WITHOUT_CACHE)
    assert one.marker.symbol != other.marker.symbol
    assert {theme.COMPUTED, theme.REUSED}.isdisjoint({one.line.color, other.line.color})


@pytest.mark.parametrize("subject", [COMPARISON, TRACE, UNCACHED])
def test_each_side_stands_once_in_the_legend(subject):
    named = [line.name for line in step_cost(subject).data if line.showlegend]
    assert len(named) == len(set(named)) == 2


@pytest.mark.parametrize("subject", [COMPARISON, TRACE, UNCACHED])
def test_plotly_finds_everything_valid_and_as_it_would_write_it(subject):
    """The figure is made unchecked."""
    drawn = step_cost(subject)
    assert go.Figure(drawn.to_dict()).to_dict() == drawn.to_dict()


def test_numbers_travel_as_typed_arrays():
    for line in json.loads(step_cost(COMPARISON).to_json())["data"]:
        assert base64.b64decode(line["y"]["bdata"])


def test_many_steps_are_drawn_without_marks():
    few, many = (step_cost(make_trace(n_new=n)) for n in (64, 65))
    assert {line.mode for line in few.data} == {"lines+markers"}
    assert {line.mode for line in many.data} == {"lines"}


def test_one_step_is_drawn_as_a_mark():
    figure = step_cost(make_trace(n_new=1))
    assert all(line.y.size == 1 and "markers" in line.mode for line in figure.data)


def test_all_charts_start_at_zero_so_that_heights_compare():
    assert {axis.rangemode for axis in step_cost(TRACE).select_yaxes()} == {"tozero"}


def test_the_ground_follows_the_page():
    for dark in (False, True):
        layout = step_cost(TRACE, dark=dark).layout
        assert (
            layout.template.layout.paper_bgcolor == theme.template(dark=dark).layout.paper_bgcolor
        )
