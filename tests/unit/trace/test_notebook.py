import pytest

import kvviz
from kvviz.trace import adapters as notebook
from tests.factories import make_card, make_comparison, make_dropping, make_trace


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


@pytest.mark.parametrize("use_cache", [True, False])
def test_a_run_that_dropped_rows_is_drawn_too(monkeypatch, use_cache):
    monkeypatch.setattr("kvviz.player.notebook_html", lambda trace: f"player of {trace!r}")
    card = make_card(family="gemma3", windows=(0, 3))
    trace = make_trace(card=card, use_cache=use_cache)
    assert (trace.last_read is not None) == use_cache
    assert trace._repr_html_() == f"player of {trace!r}"
    named = make_dropping()
    assert named._repr_html_() == f"player of {named!r}"
