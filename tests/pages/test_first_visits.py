"""Each page shows its point on a first visit, of a server that has no model yet."""

import threading
import time

import pytest

from kvviz.errors import ModelNotFoundError
from kvviz.ui.shell.page_list import PAGES
from kvviz.ui.work import jobs
from kvviz.ui.work.model_store import ModelStore
from tests.pages.conftest import PATIENCE_S, Drawn, charts_of, opened_by_link

POINTS = {
    "start": "kvviz_player",
    "kv_cache": "kvviz_player",
    "bert_vs_gpt2": "kvviz_patterns",
    "language_modelling": "kvviz_token_columns",
    "encoder_decoder": "kvviz_player",
    "cache_lab": "kvviz_player",
    "speed_and_memory": "speed-up-curve",
    "model_sizes": "model-ladder",
}
"""What shows it: a component, or a chart by its hook."""


class Visited(Drawn):
    def __init__(self, name):
        self.app = opened_by_link(name, {})


@pytest.fixture
def no_model_comes(monkeypatch):
    """Whoever asks for a model waits for as long as the test lasts."""
    over, before = threading.Event(), jobs.n_under_way()

    def wait(*_):
        over.wait(PATIENCE_S)
        raise ModelNotFoundError("No model comes while this test lasts.")

    monkeypatch.setattr(ModelStore, "get", wait)
    monkeypatch.setattr(ModelStore, "peek", lambda *_: None)
    yield
    over.set()
    until = time.monotonic() + PATIENCE_S
    while jobs.n_under_way() > before:
        assert time.monotonic() < until, "a job goes on into the next test"
        time.sleep(0.01)


@pytest.mark.parametrize("name", [entry.name for entry in PAGES])
def test_a_page_shows_its_point_before_any_model_is_there(name, no_model_comes):
    page = Visited(name)
    assert page.errors == []
    drawn = {one.proto.component_name for one in page.app.get("bidi_component")}
    assert POINTS[name] in drawn | set(charts_of(page.app))
    # Nothing that is drawn claims to come from a model of this server.
    assert 'data-tags="measured' not in page.html


def test_every_page_is_looked_at():
    assert set(POINTS) == {entry.name for entry in PAGES}
