"""Each page shows its point on a first visit, of a server that has no model yet."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from kvviz.errors import ModelNotFoundError
from kvviz.ui.shell.page_list import PAGES
from kvviz.ui.work import jobs
from kvviz.ui.work.model_store import ModelStore
from tests.pages.conftest import PATIENCE_S, Drawn, charts_of, opened_by_link

ROOT = Path(__file__).parents[2]
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


DRAWN_WITHOUT = """
import sys, threading, traceback
ENGINE = "kvviz.engine", "torch", "transformers"
asked = []

class NoEngine:
    def find_spec(self, name, *_):
        if name not in ENGINE:
            return
        if "scriptThread" in threading.current_thread().name:
            ours = [f"{one.filename}:{one.lineno}" for one in traceback.extract_stack()]
            asked.append((name, [one for one in ours if "kvviz" in one][-4:]))
        raise ImportError(f"{name} is not there in this test.")

sys.meta_path.insert(0, NoEngine())
from kvviz.ui.shell.page_list import PAGES
from tests.pages.conftest import opened_by_link
for page in PAGES:
    opened_by_link(page.name, {})
    print(page.name, *asked, flush=True)
    asked.clear()
"""
"""Opens each page, and names those that want the engine to be drawn. Jobs may want it."""


def test_no_page_waits_for_the_engine_to_be_imported():
    """Which takes seconds, and in which a first visitor would look at nothing."""
    command = [sys.executable, "-c", DRAWN_WITHOUT]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[:-1] == [entry.name for entry in PAGES]


IMPORTED_WHEN_SERVED = """
import asyncio, sys, time
from kvviz.ui.app import AROUND
from kvviz.ui.shell.page_list import PAGES

async def serve():
    async with AROUND["lifespan"](None):
        wanted = {f"kvviz.ui.pages.{entry.name}.page" for entry in PAGES}
        until = time.monotonic() + 60
        while missing := wanted - set(sys.modules):
            assert time.monotonic() < until, missing
            await asyncio.sleep(0.01)

asyncio.run(serve())
print("torch" in sys.modules)
"""


def test_what_draws_the_pages_is_imported_before_anybody_comes():
    command = [sys.executable, "-c", IMPORTED_WHEN_SERVED]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == "False"
