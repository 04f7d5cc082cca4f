import kvviz
from kvviz.trace import adapters as notebook
from tests.factories import make_comparison, make_trace


def test_what_draws_is_set_from_above(monkeypatch):
    monkeypatch.setattr(notebook, "_painters", [])
    trace, comparison = make_trace(), make_comparison()
    assert trace._repr_html_() is None
    notebook.draw_with(lambda value: f"picture of {value!r}")
    assert trace._repr_html_() == f"picture of {trace!r}"
    assert comparison._repr_html_() == f"picture of {comparison!r}"


def test_importing_kvviz_sets_the_player(monkeypatch):
    monkeypatch.setattr("kvviz.player.notebook_html", lambda trace: f"player of {trace!r}")
    trace = make_trace()
    assert kvviz.GenerationTrace is type(trace)
    assert trace._repr_html_() == f"player of {trace!r}"
