"""Runs that are to be made elsewhere, where there is no elsewhere: a sentence on a living page."""

from __future__ import annotations

import pytest

from tests.pages.test_modes import Opened, runs_of_this_test  # noqa: F401 - a fixture

TEXT = "The goat that nobody has asked for"


@pytest.fixture
def sent_elsewhere(monkeypatch):
    monkeypatch.setenv("KVVIZ_RUNNER", "ray")
    monkeypatch.setenv("KVVIZ_RAY_URL", "http://127.0.0.1:1")


@pytest.mark.usefixtures("sent_elsewhere", "model")
def test_a_page_without_what_runs_its_models_says_so_and_keeps_what_was_typed(monkeypatch):
    opened = Opened("kv_cache", {"prompt": TEXT, "new": "2"})
    page = opened.app.session_state["kv_cache_page"]
    if page.job is not None:
        assert page.job.wait(60)
        opened.app.run()
    assert "Ray, which runs the models of this app, cannot be reached." in opened.said
    assert opened.typed("kv:prompt") == TEXT
    # It lives: who has the app make its runs again sees one.
    monkeypatch.setenv("KVVIZ_RUNNER", "local")
    opened = Opened("kv_cache", {"prompt": TEXT, "new": "2"})
    page = opened.app.session_state["kv_cache_page"]
    if page.job is not None:
        assert page.job.wait(60)
    assert not opened.said
