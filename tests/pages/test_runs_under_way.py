"""A run is on screen while it is made, and who looks around in it is left there when it ends."""

from threading import Event

import pytest

from kvviz.engine.running import so_far
from kvviz.ui.parts.view import View
from kvviz.ui.parts.work_state import WorkState
from kvviz.ui.work.jobs import Job
from tests.pages.conftest import Page, step_back_to

PAGES = {
    "kv_cache": ("kv:run", {"prompt": "Once upon a time there was a", "new": "12"}),
    "encoder_decoder": ("ed:run", {"new": "8"}),
}


@pytest.fixture
def gates(monkeypatch):
    """Hold each run where it has told its second step, until it is let go."""
    monkeypatch.setattr(so_far, "FIRST_AFTER_S", 0.0)
    monkeypatch.setattr(so_far, "EVERY_S", 0.0)
    monkeypatch.setattr(so_far, "MOST_SHARE", float("inf"))
    monkeypatch.setattr(WorkState, "QUICK_S", 0.0)
    reached, go_on, tell = Event(), Event(), Job.tell

    def held(job, result):
        tell(job, result)
        if job.n_told == 2:
            reached.set()
            assert go_on.wait(60)

    monkeypatch.setattr(Job, "tell", held)
    yield reached, go_on
    go_on.set()


def begun(name, gates):
    """Return a page whose run is held after two steps, drawn as it stands."""
    reached, go_on = gates
    button, parameters = PAGES[name]
    go_on.set()
    page = Page(name, parameters)
    go_on.clear()
    reached.clear()
    page.app.button(key=button).click().run()
    assert reached.wait(60)
    page.app.run()
    return page


@pytest.mark.parametrize("name", PAGES)
def test_it_is_shown_as_far_as_it_has_come_and_then_whole(name, gates):
    page = begun(name, gates)
    assert page.errors == []
    header = page.player
    assert header["n_steps"] == 2
    assert [run["stopped"] for run in header["runs"]] == ["under-way"]
    # A file holds whole runs.
    assert not page.app.get("download_button")
    assert page.under_way["n_told"] == 2
    assert not page.under_way["over"]
    gates[1].set()
    page.finish()
    assert page.player["n_steps"] > 2
    assert "under-way" not in [run["stopped"] for run in page.player["runs"]]
    assert page.app.get("download_button")


def test_who_looks_around_in_it_stays_there(gates):
    page = begun("kv_cache", gates)
    state = page.state
    assert state.coming is None
    assert state.view.step == 0
    state.view = View(step=1, layer=3, head=2)
    gates[1].set()
    page.finish()
    assert (state.view.step, state.view.layer, state.view.head) == (1, 3, 2)


def test_a_step_that_a_link_names_is_gone_to_when_it_is_there(gates):
    page = begun("kv_cache", gates)
    step_back_to(page.app, "kv_cache", prompt="The cat", new="9", step="7", layer="2")
    gates[1].set()
    page.finish()
    assert page.state.view.step == 7
    assert page.player["view"]["step"] == 7
