"""Runs on two real replicas: equal to local ones, through the death of one, cancelled, refused."""

from __future__ import annotations

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import kvviz
from kvviz.errors import ModelNotFoundError, OptionsError, PromptError, RunnerError
from kvviz.serving import versions
from kvviz.serving.local_runner import LOCAL
from kvviz.serving.ray_runner import RayRunner
from kvviz.serving.run_request import RunRequest
from kvviz.serving.runner import Watcher
from kvviz.trace import GenerationOptions
from kvviz.ui.shell.environment import Environment
from kvviz.ui.work import model_runner, runs
from kvviz.ui.work.run_settings import RunSettings
from tests.ray import listeners

pytestmark = pytest.mark.ray

MODEL = "kvviz/gpt2-mini"
PROMPT = "The dog and the cat went to the"
PATIENCE_S = 60


class Seen:
    """Who waits for a run, and what they were told."""

    def __init__(self, stop_at: int | None = None) -> None:
        self.steps: list[int] = []
        self.stop_at = stop_at

    @property
    def watcher(self) -> Watcher:
        return Watcher(
            lambda step, n_steps: self.steps.append(step),
            lambda: (
                self.stop_at is not None and bool(self.steps) and self.steps[-1] >= self.stop_at
            ),
        )


@pytest.fixture(scope="module")
def model():
    return kvviz.load_model(MODEL, device="cpu")


@pytest.fixture(scope="module")
def runner(address):
    return RayRunner(address)


def request_of(prompt=PROMPT, new=8, **rest):
    options = {"temperature": 0.8, "top_k": 40, "seed": 7}
    return RunRequest(prompt=prompt, options=GenerationOptions(new, **options), device="cpu",
                      **{"model": MODEL} | rest)  # fmt: skip


def assert_equal(one, other, rows=0.0):
    assert one.tokens == other.tokens
    assert [step.kind for step in one.steps] == [step.kind for step in other.steps]
    for name in ("fed", "computed", "reused", "chosen_id", "flops", "cache_bytes"):
        for a, b in zip(one.steps, other.steps, strict=True):
            assert np.array_equal(getattr(a, name), getattr(b, name)), name
    assert np.abs(one.all_keys - other.all_keys).max() <= rows
    assert np.abs(one.all_values - other.all_values).max() <= rows


def long_request():
    """Both ways, made twice: a second or two."""
    return request_of(new=100, both=True, n_timings=2)


def test_nothing_listens_beyond_the_loopback(address, runner, model):
    runner.run(model, request_of(), Seen().watcher)
    found = listeners.of_ray()
    of_replicas = [command for command in found if "ServeReplica" in command]
    assert len(found) > 5
    assert of_replicas
    beyond = {
        command: [one for one in addresses if not listeners.is_loopback(one)]
        for command, addresses in found.items()
    }
    assert {command: there for command, there in beyond.items() if there} == {}


def test_an_address_of_the_machine_is_no_loopback():
    """What the test above looks for."""
    assert listeners.is_loopback("0100007F:1F90")
    assert listeners.is_loopback("0000000000000000FFFF00000100007F:1F90")
    for beyond in ("00000000:1F90", "0A00000A:1F90", "0" * 32 + ":1F90"):
        assert not listeners.is_loopback(beyond)


@pytest.mark.parametrize("cache", ["full", "window:4+1", "heavy:6"])
def test_a_run_alone_equals_the_local_one_to_the_bit(runner, model, cache):
    asked = request_of(cache=cache)
    here, there = (who.run(model, asked, Seen().watcher) for who in (LOCAL, runner))
    assert_equal(here, there)


def test_both_ways_and_a_branch_that_begins_with_rows_of_a_run(runner, model):
    asked = request_of(both=True)
    here, there = (who.run(model, asked, Seen().watcher) for who in (LOCAL, runner))
    assert_equal(here.cached, there.cached)
    assert_equal(here.uncached, there.uncached)
    assert here.logit_differences.tolist() == there.logit_differences.tolist()
    ids = tuple(here.cached.token_ids[:-2].tolist())
    asked = request_of(prompt=ids, new=3, prefix=here.cached)
    here, there = (who.run(model, asked, Seen().watcher) for who in (LOCAL, runner))
    assert there.options.n_shared > 0
    assert_equal(here, there)


def test_runs_of_a_crowd_share_passes_on_a_replica(runner, model):
    asked = [request_of(f"{word} {PROMPT}", 24, together=True) for word in
             ("So", "Then", "Now", "But", "And", "When")]  # fmt: skip
    with ThreadPoolExecutor(len(asked)) as pool:
        there = list(pool.map(lambda one: runner.run(model, one, Seen().watcher), asked))
    assert max(trace.n_together for trace in there) > 1
    for one, trace in zip(asked, there, strict=True):
        alone = LOCAL.run(model, request_of(one.prompt, 24), Seen().watcher)
        assert_equal(alone, trace, rows=1e-4)


def test_a_run_outlives_its_replica(runner, model):
    asked, seen = long_request(), Seen()
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(runner.run, model, asked, seen.watcher)
        until = time.monotonic() + PATIENCE_S
        while not seen.steps and time.monotonic() < until:
            time.sleep(0.01)
        handle = runner._connection.get(seen.watcher).handle
        (pid,) = [one for one in handle.broadcast("wish", asked.run, "").results() if one]
        os.kill(pid, signal.SIGKILL)
        there = run.result(PATIENCE_S)
    # Each time that it is made its first step is told.
    assert seen.steps.count(1) == 2
    here = LOCAL.run(model, request_of(new=100, both=True), Seen().watcher)
    assert_equal(here.cached, there.cached)


def test_a_run_that_is_cancelled_gives_what_there_is(runner, model):
    seen = Seen(stop_at=1)
    there = runner.run(model, request_of(new=200), seen.watcher)
    assert there.stopped == "cancelled"
    assert 0 < len(there.steps) < 200
    here = LOCAL.run(model, request_of(new=len(there.steps)), Seen().watcher)
    assert here.tokens == there.tokens


def test_the_app_sends_its_runs_there_and_keeps_what_they_came_to(runner, monkeypatch):
    monkeypatch.setattr(model_runner, "_elsewhere", lambda: runner)
    environment = Environment.read({"KVVIZ_RUNNER": "ray"})
    settings = RunSettings(prompt=PROMPT, new=4, device="cpu")
    job = runs.start(settings, environment, want_both=True)
    assert job.wait(PATIENCE_S)
    assert job.error is None
    assert job.result.comparison.same_tokens
    assert runs.made_before(settings, environment, "gpt2", want_both=True) is job.result


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"prompt": ""}, PromptError),
        ({"model": "kvviz/none"}, ModelNotFoundError),
        ({"cache": "window:0+9"}, OptionsError),
    ],
)
def test_what_cannot_be_run_is_refused_there_in_the_words_of_here(runner, model, asked, error):
    with pytest.raises(error) as there:
        runner.run(model, request_of(**asked), Seen().watcher)

    def run_here():
        found = kvviz.load_model(asked.get("model", MODEL), device="cpu")
        LOCAL.run(found, request_of(**asked), Seen().watcher)

    with pytest.raises(error) as here:
        run_here()
    assert str(there.value) == str(here.value)


def test_a_replica_of_another_version_is_named(runner, model, monkeypatch):
    there = versions.here()
    monkeypatch.setattr(versions, "here", lambda: "7.0/1")
    with pytest.raises(RunnerError, match="another version") as said:
        runner.run(model, request_of(), Seen().watcher)
    assert there in str(said.value)
    assert "7.0/1" in str(said.value)
    monkeypatch.undo()
    assert runner.run(model, request_of(), Seen().watcher).tokens
