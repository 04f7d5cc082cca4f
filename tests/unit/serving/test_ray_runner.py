"""A Ray that is not there is said in a sentence, without one and with one that only seems to be."""

from __future__ import annotations

import sys
from concurrent.futures import Future
from threading import Event
from types import SimpleNamespace

import pytest

import kvviz
from kvviz.errors import RunCancelledError, RunnerError
from kvviz.serving import ray_connection, ray_runner, replica, run_messages
from kvviz.serving.local_runner import LOCAL
from kvviz.serving.ray_connection import Connection
from kvviz.serving.ray_runner import RayRunner
from kvviz.serving.run_messages import Alive, Ended, StepsDone
from kvviz.serving.run_request import RunRequest
from kvviz.serving.runner import Watcher
from kvviz.trace import GenerationOptions

ASKED = RunRequest("kvviz/gpt2-mini", "The dog", GenerationOptions(3), "cpu")
QUIET = Watcher(lambda step, n_steps: None, lambda: False)


class RayError(Exception):
    """As Ray's own, for tests without it."""


@pytest.fixture
def no_ray(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)


@pytest.fixture
def seeming_ray(monkeypatch):
    """Enough of Ray to be asked for its errors."""

    class UnavailableError(Exception):
        pass

    class ServeError(Exception):
        pass

    exceptions = SimpleNamespace(
        DeploymentUnavailableError=UnavailableError, RayServeException=ServeError
    )
    serve = SimpleNamespace(exceptions=exceptions)
    ray = SimpleNamespace(exceptions=SimpleNamespace(RayError=RayError), serve=serve)
    for name, module in {
        "ray": ray, "ray.exceptions": ray.exceptions, "ray.serve": serve,
        "ray.serve.exceptions": exceptions,
    }.items():  # fmt: skip
        monkeypatch.setitem(sys.modules, name, module)
    return exceptions


class Handle:
    """A deployment that streams what it is given, each time it is asked another list."""

    def __init__(self, *streams):
        self.streams, self.wishes = list(streams), []

    def options(self, **_options):
        return SimpleNamespace(remote=lambda data: Stream(self.streams.pop(0)))

    def broadcast(self, _method, run, what):
        self.wishes.append((run, what))
        return SimpleNamespace(results=lambda timeout_s: [])


class Stream:
    def __init__(self, messages):
        self.messages = messages

    def __iter__(self):
        for one in self.messages:
            if isinstance(one, Exception):
                raise one
            yield run_messages.to_bytes(one)

    def cancel(self):
        pass


def runner_of(*streams, address=""):
    runner = RayRunner()
    runner._connection._made = Future()
    runner._connection._made.set_result(Connection(Handle(*streams), address))
    return runner


@pytest.fixture(scope="module")
def model():
    return kvviz.load_model("kvviz/gpt2-mini", device="cpu")


@pytest.fixture(scope="module")
def made(model):
    return LOCAL.run(model, ASKED, QUIET)


@pytest.mark.usefixtures("no_ray")
def test_ray_that_is_not_installed_is_said_so(model):
    with pytest.raises(RunnerError, match=r"not installed\. .*requirements-ray\.txt"):
        RayRunner().run(model, ASKED, QUIET)


@pytest.mark.parametrize("address", ["127.0.0.1:1", "127.0.0.1:99999", "nowhere.invalid:1"])
def test_an_address_where_nothing_listens_is_said_at_once_and_only_the_log_names_it(
    address, caplog
):
    with pytest.raises(RunnerError, match="cannot be reached") as said:
        ray_connection._require_listener(address)
    assert address not in str(said.value)
    assert address in caplog.text


def test_an_address_from_outside_a_cluster_is_refused():
    with pytest.raises(RunnerError, match="that this machine is part of"):
        ray_connection._connect("ray://127.0.0.1:10001")


@pytest.mark.usefixtures("seeming_ray")
def test_a_run_whose_replica_is_lost_is_sent_again_and_its_steps_begin_anew(model, made):
    steps = []
    lost = [Alive(), StepsDone(1, 3), StepsDone(2, 3), RayError()]
    runner = runner_of(lost, [StepsDone(1, 3), Ended(made)])
    there = runner.run(model, ASKED, Watcher(lambda step, _n: steps.append(step), lambda: False))
    assert steps == [1, 2, 1]
    assert there.tokens == made.tokens
    # A stream that ends in silence, and replicas that are lost each time.
    with pytest.raises(RunnerError, match="lost, and again"):
        runner_of([Alive()], lost, lost).run(model, ASKED, QUIET)


def test_a_deployment_that_is_not_healthy_is_not_waited_for(model, seeming_ray):
    with pytest.raises(RunnerError, match="runs no kvviz"):
        runner_of([seeming_ray.DeploymentUnavailableError()]).run(model, ASKED, QUIET)


@pytest.mark.usefixtures("seeming_ray")
def test_a_replica_that_says_nothing_is_lost(model, made, monkeypatch):
    monkeypatch.setattr(ray_runner, "UNHEARD_S", 0.3)

    class Silent(list):
        def __iter__(self):
            yield Alive()
            ray_runner.time.sleep(1.5)

    assert runner_of(Silent(), [Ended(made)]).run(model, ASKED, QUIET).tokens == made.tokens


def test_a_cancel_is_told_to_the_replicas_once_and_what_there_is_comes_back(model, made):
    class Slowly(list):
        def __iter__(self):
            yield StepsDone(1, 3)
            ray_runner.time.sleep(0.5)
            yield Ended(made)

    runner, heard = runner_of(Slowly()), []
    watcher = Watcher(lambda step, _n: heard.append(step), lambda: bool(heard))
    assert runner.run(model, ASKED, watcher).tokens == made.tokens
    assert runner._connection._made.result().handle.wishes == [(ASKED.run, "stop")]


def test_who_leaves_before_a_replica_has_begun_waits_for_none(model):
    class Never(list):
        def __iter__(self):
            ray_runner.time.sleep(1.0)
            yield Alive()

    with pytest.raises(RunCancelledError):
        runner_of(Never()).run(model, ASKED, Watcher(lambda *_: None, lambda: True))


def test_nobody_waits_for_what_listens_and_is_no_ray(model, monkeypatch):
    given_up = Event()
    monkeypatch.setattr(ray_connection, "_connect", lambda address: given_up.wait(30))
    monkeypatch.setattr(ray_connection, "CONNECTS_WITHIN_S", 0.3)
    runner = RayRunner("127.0.0.1:1")
    with pytest.raises(RunnerError, match="cannot be reached"):
        runner.run(model, ASKED, QUIET)
    with pytest.raises(RunCancelledError):
        runner.run(model, ASKED, Watcher(lambda *_: None, lambda: True))
    given_up.set()


def test_nobody_waits_for_a_replica_of_a_cluster_that_is_gone(model, monkeypatch):
    monkeypatch.setattr(ray_runner, "UNHEARD_S", 0.3)

    class Never(list):
        def __iter__(self):
            ray_runner.time.sleep(2.0)
            yield Alive()

    runner = runner_of(Never(), address="127.0.0.1:1")
    with pytest.raises(RunnerError, match="cannot be reached"):
        runner.run(model, ASKED, QUIET)
    assert runner._connection._made is None


@pytest.mark.usefixtures("seeming_ray")
def test_another_model_by_the_same_name_is_refused(made):
    other = kvviz.load_model("kvviz/llama-mini", device="cpu")
    with pytest.raises(RunnerError, match="another model by the name"):
        runner_of([Ended(made)]).run(other, ASKED, QUIET)


def test_a_request_says_which_kvviz_sent_it():
    assert replica.refused_version(replica.ask(ASKED, "en")) is None
