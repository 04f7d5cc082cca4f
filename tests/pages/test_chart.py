import re

import plotly.graph_objects as go
import pytest
from streamlit.testing.v1 import AppTest

from kvviz.ui.parts import chart
from tests.pages.conftest import PATIENCE_S


def page():
    import plotly.graph_objects as go

    from kvviz.ui.parts import chart

    figure = go.Figure(layout={"meta": {"figure": "steps"}})
    figure.add_scatter(x=[1, 2, 3], y=[1, 4, 9])
    figure.add_bar(x=[5.0, 6.0], y=["a", "b"], orientation="h")
    figure.add_hline(y=2)
    chart.draw(figure, "Squares beside two bars.", tags=["measured", "formula"])


def test_a_chart_says_in_its_hook_what_it_draws_and_leaves_the_ground_to_its_card():
    app = AppTest.from_function(page, default_timeout=PATIENCE_S).run()
    assert not app.exception
    (hook,) = (element.proto.body for element in app.get("html"))
    assert re.findall(r'(data-\S+)="(.*?)"', hook) == [
        ("data-kvviz", "chart-steps"), ("data-n-traces", "2"), ("data-n-points", "5"),
        ("data-tags", "measured formula"),
    ]  # fmt: skip
    # Where its numbers come from is said to everybody.
    assert (
        '<p class="kvviz-tag" data-tags="measured formula">measured here · by formula</p>' in hook
    )
    (drawn,) = app.get("plotly_chart")
    assert drawn.proto.alt == "Squares beside two bars."
    assert '"paper_bgcolor":"rgba(0,0,0,0)"' in drawn.proto.spec.replace(": ", ":")


def test_no_chart_is_drawn_that_does_not_say_where_its_numbers_come_from():
    with pytest.raises(ValueError, match="where its numbers come from"):
        chart.draw(go.Figure(layout={"meta": {"figure": "steps"}}), "Nothing.", tags=[])
