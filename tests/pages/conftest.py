"""Pages without a browser: Streamlit's AppTest on the real router, engine and bundled model."""

import json
import re
import time
from functools import cache
from pathlib import Path

import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest, local_script_runner

from kvviz.ui.pages.language_modelling import readings
from kvviz.ui.shell import history, served_bytes
from kvviz.ui.shell.history import Step
from kvviz.ui.work import job_endpoint, runs
from kvviz.ui.work.model_store import model_store
from kvviz.ui.work.run_settings import RunSettings
from tests.payload_reader import unpack

ROUTER = Path(__file__).parents[2] / "kvviz" / "ui" / "shell" / "router.py"
PATIENCE_S = 120
TIMED_AGAIN = {
    (where, name): getattr(where, name)
    for where, name in ((runs, "N_TIMINGS"), (readings, "MOST_PASSES"))
}
"""What says how often a short run is made, and a short text read; as it ships."""


@pytest.fixture(scope="session")
def model():
    """The bundled model, loaded once for all tests of the process."""
    return model_store().get(RunSettings())


@pytest.fixture(autouse=True)
def no_run_is_kept_from_another_test():
    """Each test begins where nobody has run anything yet."""
    runs.kept_runs().forget()


@pytest.fixture(autouse=True)
def nothing_is_timed_again(monkeypatch):
    """A short run is made three times for the sake of its times, a short text read eight times.

    Here once: only the tests of that look at the times.
    """
    for where, name in TIMED_AGAIN:
        monkeypatch.setattr(where, name, 1)


@pytest.fixture
def timed_as_shipped(nothing_is_timed_again, monkeypatch):
    """What is short is timed as often as for a visitor."""
    for (where, name), n_times in TIMED_AGAIN.items():
        monkeypatch.setattr(where, name, n_times)


@pytest.fixture(scope="session", autouse=True)
def installed_packages_are_read_once():
    """AppTest looks for components in the metadata of all installed packages, anew for every app.

    That takes longer than most pages; nothing is installed while tests run.
    """
    with pytest.MonkeyPatch.context() as patch:
        once = cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", once)
        yield


@pytest.fixture(scope="session", autouse=True)
def the_end_of_a_script_is_waited_for():
    """AppTest asks for it a thousand times a second, and takes the interpreter from the script."""
    ask = local_script_runner.require_widgets_deltas

    def wait(runner, timeout):
        runner._script_thread.join(timeout)
        # Which complains at once of a script that is still running.
        ask(runner, 0 if runner._script_thread.is_alive() else timeout)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(local_script_runner, "require_widgets_deltas", wait)
        yield


def opened_by_link(page, parameters):
    """Return the app, run once on a page of it that a link with these parameters leads to."""
    app = AppTest.from_file(str(ROUTER), default_timeout=PATIENCE_S)
    if page != "start":
        app.switch_page(f"../../../pages/{page}.py")
    for key, value in parameters.items():
        app.query_params[key] = value
    return app.run()


def html_of(app):
    """Return all HTML that a page wrote, its hooks among it."""
    return "\n".join(str(element.proto.body) for element in app.get("html"))


def as_read(markdown):
    """Return what a person reads of text that was made safe for Markdown."""
    return re.sub(r"\\(.)", r"\1", markdown).replace("\u2060", "")


def charts_of(app):
    """Return the charts on a page by their hooks: name to the number of points in its traces."""
    found = re.findall(r'data-kvviz="chart-([a-z-]+)" [^>]*data-n-points="(\d+)"', html_of(app))
    assert len(found) == len(dict(found)) == len(app.get("plotly_chart"))
    return {name: int(points) for name, points in found}


def buffer_of(component):
    """Return the buffer that a component's voucher leads to, as its front end fetches it."""
    (address,) = json.loads(component.proto.json)["addresses"]
    return served_bytes.find(address.removeprefix(f"{served_bytes.ADDRESS}/")).data


def step_back_to(app, page, **parameters):
    """Run an app that is told of a step through the browser's history, as the browser tells it."""
    newest, _ = app.session_state[history._NEWEST]
    step = Step(newest.when + 1 if newest else 1, page, parameters)
    app.session_state[history._NEWEST] = step, True
    app.run()


class Drawn:
    """What a reader finds on a page.

    Attributes:
        app: The app under test, with the page on it.
    """

    @property
    def errors(self):
        assert not self.app.exception, self.app.exception
        return [error.value for error in self.app.error]

    @property
    def notes(self):
        return [as_read(note.value) for note in self.app.info]

    @property
    def html(self):
        return html_of(self.app)

    @property
    def charts(self):
        return charts_of(self.app)

    @property
    def bars(self):
        """Keys of the jobs whose progress is drawn, and a race's among them."""
        return [
            json.loads(component.proto.json)["address"].removeprefix(f"{job_endpoint.ADDRESS}/")
            for component in self.app.get("bidi_component")
            if component.proto.component_name in ("kvviz_work_bar", "kvviz_live_race")
        ]

    @property
    def under_way(self):
        """What the browser is answered that asks for the one bar on the page."""
        (key,) = self.bars
        code, status = job_endpoint.answer(key, "GET", None)
        assert code == 200
        # There is no bar to ask again, and one that falls silent is a tab that is gone.
        assert job_endpoint.answer(key, "POST", "aside") == (200, None)
        return status

    def cancel(self):
        """Press Cancel on the one bar of the page, as the browser tells the server."""
        (key,) = self.bars
        code, status = job_endpoint.answer(key, "POST", "cancel")
        assert (code, status["stopping"]) == (200, True)


class Page(Drawn):
    """A page under test, and what a reader of it would look for."""

    def __init__(self, name, parameters):
        self.state_name = f"{name}_page"
        self.app = opened_by_link(name, parameters)
        self.finish()

    @property
    def state(self):
        return self.app.session_state[self.state_name]

    def finish(self):
        """Rerun the page as a browser would until its run is done."""
        until = time.monotonic() + PATIENCE_S
        while self.state_name in self.app.session_state and self.state.job is not None:
            assert time.monotonic() < until, "the run did not end"
            self.state.job.wait(1.0)
            self.app.run()
        return self

    def press(self, key):
        self.app.button(key=key).click().run()
        return self.finish()

    @property
    def players(self):
        """Headers of the buffers that players on the page were given."""
        found = []
        for component in self.app.get("bidi_component"):
            if component.proto.component_name == "kvviz_player":
                header, _ = unpack(buffer_of(component))
                found.append(header)
        return found

    @property
    def player(self):
        (header,) = self.players
        return header


SHORTEST = {"new": "2"}
"""The link of tests that ask something of a page on which any run is."""


@pytest.fixture(scope="session")
def made_once(model):
    """Keep the run that `SHORTEST` leads to, made once, as if another visitor had come before."""
    key = "gpt2", RunSettings(new=2)
    run = cache(lambda: Page("kv_cache", SHORTEST).state.shown)

    def keep():
        shown = run()
        assert shown.settings == key[1]
        runs.kept_runs().keep(key, model, shown)

    return keep


@pytest.fixture
def kv_cache(model, made_once):
    """Open the KV cache page by a link and wait for its run."""

    def opened(**parameters):
        if parameters == SHORTEST:
            made_once()
        return Page("kv_cache", parameters)

    return opened


@pytest.fixture
def start():
    """Open the start page."""
    return lambda **parameters: Page("start", parameters)
