"""Runs that are to be made elsewhere: sent there, and where nothing is, said on a living page."""

from __future__ import annotations

import pytest

from kvviz.serving import replica
from kvviz.serving.frame import prefixed
from kvviz.ui.shell.environment import Environment
from kvviz.ui.work import runs
from kvviz.ui.work.run_settings import RunSettings
from tests.pages.test_modes import Opened, runs_of_this_test  # noqa: F401 - a fixture
from tests.unit.serving.scripted_replicas import ScriptedReplicas

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


def test_the_app_sends_its_runs_there_and_keeps_what_they_came_to(model):
    def as_a_replica(answer):
        answer.begin()
        (_path, _headers, data) = answer.server.asked[-1]
        wishes = replica.Wishes()
        replica.answer(data, lambda: model, wishes, lambda one: answer.chunk(prefixed(one)))
        answer.end()

    settings = RunSettings(prompt=TEXT, new=4, device="cpu")
    with ScriptedReplicas(as_a_replica) as there:
        environment = Environment.read({"KVVIZ_RUNNER": "ray", "KVVIZ_RAY_URL": there.url})
        job = runs.start(settings, environment, want_both=True)
        assert job.wait(60)
    assert job.error is None
    assert job.result.comparison.same_tokens
    assert len(there.asked) == 1
    assert runs.made_before(settings, environment, "gpt2", want_both=True) is job.result
