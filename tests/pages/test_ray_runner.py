"""Runs that are to be made elsewhere, where there is no elsewhere: a sentence on a living page."""

from __future__ import annotations

import sys

import pytest

from kvviz.serving.ray_runner import RayRunner
from kvviz.ui.work import model_runner
from tests.pages.test_modes import Opened, runs_of_this_test  # noqa: F401 - a fixture

TEXT = "The goat that nobody has asked for"


@pytest.fixture
def sent_elsewhere(monkeypatch):
    monkeypatch.setenv("KVVIZ_RUNNER", "ray")
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.setattr(model_runner, "_elsewhere", RayRunner)


@pytest.mark.usefixtures("sent_elsewhere", "model")
def test_a_page_without_what_runs_its_models_says_so_and_keeps_what_was_typed(monkeypatch):
    opened = Opened("kv_cache", {"prompt": TEXT, "new": "2"})
    page = opened.app.session_state["kv_cache_page"]
    if page.job is not None:
        assert page.job.wait(60)
        opened.app.run()
    assert "KVVIZ_RUNNER names Ray, which is not installed." in opened.said
    assert "requirements-ray.txt" in opened.said
    assert opened.typed("kv:prompt") == TEXT
    # It lives: who has the app make its runs again sees one.
    monkeypatch.setenv("KVVIZ_RUNNER", "local")
    opened = Opened("kv_cache", {"prompt": TEXT, "new": "2"})
    page = opened.app.session_state["kv_cache_page"]
    if page.job is not None:
        assert page.job.wait(60)
    assert not opened.said
