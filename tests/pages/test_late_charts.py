"""What is answered to a request for Plotly."""

import re
from pathlib import Path

import pytest
import streamlit

from kvviz.ui.shell.late_charts import EXPORTED, LateCharts
from tests.pages.middleware_answer import answer_of

SCRIPTS = Path(streamlit.__file__).parent / "static" / "static" / "js"


def answer(path, query=b"", method="GET"):
    """Return headers and body of the answer to a request, or None if it goes through."""
    found = answer_of(LateCharts, path, query=query, method=method)
    return found and (found[1], found[2].decode())


@pytest.fixture(scope="module")
def plotly():
    """The file of Streamlit's that draws Plotly figures."""
    (found,) = SCRIPTS.glob("PlotlyChart.*.js")
    return found


def test_the_first_request_is_answered_with_a_module_that_waits(plotly):
    headers, body = answer(f"/static/js/{plotly.name}")
    assert headers[b"content-type"].startswith(b"text/javascript")
    assert int(headers[b"content-length"]) == len(body)
    # The file at this address is another one in an app without this middleware.
    assert headers[b"cache-control"] == b"no-cache"
    first, second, third = body.splitlines()
    assert first == "await window.kvvizChartsWanted;"
    assert f'await import("./{plotly.name}?whole")' in second
    assert third.startswith("export {")
    assert answer(f"/base/static/js/{plotly.name}") is not None
    assert answer(f"/static/js/{plotly.name}", method="HEAD")[1] == ""


def test_the_request_that_follows_goes_through_as_does_every_other_file(plotly):
    assert answer(f"/static/js/{plotly.name}", b"whole") is None
    others = [file.name for file in SCRIPTS.iterdir() if file != plotly]
    assert len(others) > 50
    assert all(answer(f"/static/js/{name}") is None for name in others)
    assert answer(f"/kv_cache/{plotly.name}") is None


def test_the_module_exports_what_the_file_does(plotly):
    (names,) = re.findall(r"export\{([^}]*)\}", plotly.read_text(encoding="utf-8")[-500:])
    assert sorted(name.split(" as ")[1] for name in names.split(",")) == sorted(EXPORTED)
