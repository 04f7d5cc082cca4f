"""Runs on two real replicas: equal to local ones, through the death of one, cancelled, refused."""

from __future__ import annotations

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import httpx2
import numpy as np
import pytest

import kvviz
from kvviz.errors import ModelNotFoundError, OptionsError, PromptError, RunnerError
from kvviz.serving import run_messages, versions
from kvviz.serving.endpoint import REQUEST_TYPE
from kvviz.serving.frame import MessageReader, framed
from kvviz.serving.local_runner import LOCAL
from kvviz.serving.ray_runner import RayRunner
from kvviz.serving.replica import ask
from kvviz.serving.run_request import RunRequest
from kvviz.serving.runner import Watcher
from kvviz.trace import GenerationOptions
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


@pytest.fixture(scope="session")
def model(begun):
    return kvviz.load_model(MODEL, device="cpu")


@pytest.fixture(scope="module")
def runner(cluster):
    return RayRunner(cluster.url)


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
    """A second's work; who kills what makes it needs a few hundredths."""
    return request_of(new=200)


def post(cluster, where, data, kind=REQUEST_TYPE):
    return httpx2.post(
        cluster.url + where, content=data, headers={"content-type": kind}, trust_env=False
    )


def test_nothing_listens_beyond_the_loopback(model, runner):
    runner.run(model, request_of(), Seen().watcher)
    found = listeners.of_ray()
    assert len(found) > 5
    for one in ("ServeReplica", "ProxyActor"):
        assert [command for command in found if one in command], one
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
    words = ("So", "Then", "Now", "But")
    asked = [request_of(f"{word} {PROMPT}", 24, together=True) for word in words]
    with ThreadPoolExecutor(len(asked)) as pool:
        there = list(pool.map(lambda one: runner.run(model, one, Seen().watcher), asked))
    assert max(trace.n_together for trace in there) > 1
    for one, trace in zip(asked, there, strict=True):
        alone = LOCAL.run(model, request_of(one.prompt, 24), Seen().watcher)
        assert_equal(alone, trace, rows=1e-4)


def under_way(pool, runner, model, asked, seen):
    """Have a run made elsewhere, and wait until it has done a step."""
    run, until = pool.submit(runner.run, model, asked, seen.watcher), time.monotonic() + PATIENCE_S
    while not seen.steps and not run.done() and time.monotonic() < until:
        time.sleep(0.01)
    assert seen.steps
    return run


def test_a_run_that_is_cancelled_gives_what_there_is(cluster, runner, model):
    asked, seen = long_request(), Seen()
    with ThreadPoolExecutor(1) as pool:
        run = under_way(pool, runner, model, asked, seen)
        # Whichever replica hears what is wanted of a run, the one that makes it is told.
        for _time in range(8):
            told = post(cluster, "wish", framed({"run": asked.run, "wish": "of nothing"}))
            assert told.status_code == 204
        seen.stop_at = 1
        there = run.result(PATIENCE_S)
    assert there.stopped == "cancelled"
    assert 0 < len(there.steps) < 200
    here = LOCAL.run(model, request_of(new=len(there.steps)), Seen().watcher)
    assert here.tokens == there.tokens
    assert post(cluster, "wish", framed({"run": asked.run, "wish": "stop"})).status_code == 404


def test_what_is_no_request_of_ours_is_none(cluster, runner, model):
    for where, data in (("wish", b"x"), ("wish", framed({})), ("elsewhere", b"")):
        assert post(cluster, where, data).status_code == 404
    # What a page of any site could have a browser send.
    assert post(cluster, "run", b"x", "text/plain").status_code == 415
    for data in (b"x", ask(request_of(), "en")):
        (message,) = MessageReader().read(post(cluster, "run", data).content)
        assert isinstance(run_messages.from_bytes(message), run_messages.Refused)


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


def test_a_run_whose_app_has_left_is_stopped(cluster, runner, model):
    asked, seen = long_request(), Seen()

    def leave(step, n_steps):
        seen.steps.append(step)
        raise RuntimeError("as an app that is gone")

    with pytest.raises(RuntimeError):
        runner.run(model, asked, Watcher(leave, lambda: False))
    until = time.monotonic() + PATIENCE_S
    while cluster.maker(asked.run) and time.monotonic() < until:
        time.sleep(0.05)
    assert not cluster.maker(asked.run)


def test_a_run_outlives_its_replica(cluster, runner, model):
    asked, seen = long_request(), Seen()
    with ThreadPoolExecutor(1) as pool:
        run = under_way(pool, runner, model, asked, seen)
        os.kill(cluster.maker(asked.run), signal.SIGKILL)
        there = run.result(PATIENCE_S)
    # Each time that it is made its first step is told.
    assert seen.steps.count(1) == 2
    assert_equal(LOCAL.run(model, long_request(), Seen().watcher), there)
