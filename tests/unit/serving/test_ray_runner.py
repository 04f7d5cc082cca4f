"""Runs sent to what is, or only seems to be, a deployment: all by HTTP, and none of it is Ray."""

from __future__ import annotations

import socket
import time

import pytest

import kvviz
from kvviz.errors import PromptError, RunCancelledError, RunnerError
from kvviz.serving import endpoint, replica, run_call
from kvviz.serving.local_runner import LOCAL
from kvviz.serving.ray_runner import RayRunner
from kvviz.serving.run_messages import Alive, Ended, Grown, Refused, StepsDone
from kvviz.serving.run_request import RunRequest
from kvviz.serving.runner import Watcher
from kvviz.trace import GenerationOptions
from tests.unit.serving.scripted_replicas import ScriptedReplicas, answers, hangs, raw, tells

ASKED = RunRequest("kvviz/gpt2-mini", "The dog", GenerationOptions(3), "cpu")
QUIET = Watcher(lambda step, n_steps: None, lambda: False)
LOST = tells(Alive(), StepsDone(1, 3), StepsDone(2, 3), breaks=True)


@pytest.fixture(scope="module")
def model():
    return kvviz.load_model("kvviz/gpt2-mini", device="cpu")


@pytest.fixture(scope="module")
def made(model):
    return LOCAL.run(model, ASKED, QUIET)


@pytest.fixture
def hasty(monkeypatch):
    """Who waits does so for a fifth of a second in place of many."""
    for name in ("ASKS_EVERY_S", "ANSWERS_WITHIN_S", "UNHEARD_S"):
        monkeypatch.setattr(run_call, name, 0.2)


def run(model, *scripts, watcher=QUIET, asked=ASKED, **server):
    with ScriptedReplicas(*scripts, **server) as there:
        return RayRunner(there.url).run(model, asked, watcher), there


def test_a_run_is_one_request_and_what_comes_back_is_told_to_who_waits(model, made):
    steps, shown = [], []
    watcher = Watcher(lambda *told: steps.append(told), lambda: False, show=shown.append)
    there, server = run(model, tells(StepsDone(2, 3), Grown(made), Ended(made)), watcher=watcher)
    assert there.tokens == made.tokens
    assert steps == [(2, 3)]
    assert [grown.tokens for grown in shown] == [made.tokens]
    ((path, headers, data),) = server.asked
    assert path == f"/{endpoint.RUN}"
    assert headers[endpoint.MODEL_HEADER] == ASKED.loads
    assert RunRequest.from_bytes(data).run == ASKED.run
    assert replica.refused_version(data) is None


def test_what_a_replica_refuses_is_raised_here(model):
    with pytest.raises(PromptError, match="No such words"):
        run(model, tells(Refused(PromptError("No such words.", fix="Type."))))


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "https://127.0.0.1:1/", "http://a..b/"])
def test_an_address_where_nothing_listens_is_said_at_once_and_only_the_log_names_it(
    model, url, caplog
):
    with pytest.raises(RunnerError, match="cannot be reached") as said:
        RayRunner(url).run(model, ASKED, QUIET)
    assert "//" not in str(said.value)
    assert url in caplog.text


def test_a_proxy_before_rays_own_that_finds_nothing_behind_it_is_not_taken_for_it(model):
    with pytest.raises(RunnerError, match="cannot be reached"):
        run(model, answers(502))


@pytest.mark.parametrize(
    "script",
    [
        answers(404),
        answers(200),
        answers(302),
        answers(503, b"unavailable", "text/plain"),
        raw(b"SSH-2.0-OpenSSH_9.2\r\n"),
        raw(b""),
    ],
    ids=["not found", "a page", "elsewhere", "no replicas", "no HTTP", "nothing"],
)
def test_what_listens_there_and_is_no_kvviz_is_said_so(model, script, caplog):
    with pytest.raises(RunnerError, match=r"runs no kvviz\. .*KVVIZ_RAY_URL"):
        run(model, script, script, script)
    assert "no deployment of kvviz" in caplog.text


@pytest.mark.parametrize(
    "said",
    [b"\xff" * 40, b"\0" * 7 + b"\x03abc", b"\0" * 7 + b"\x0d{}\n          "],
    ids=["a length", "no head", "no message"],
)
def test_what_answers_as_kvviz_and_cannot_be_read_is_said_so(model, said):
    with pytest.raises(RunnerError, match="do not understand each other"):
        run(model, tells(lambda answer: answer.chunk(said)))


@pytest.mark.usefixtures("hasty")
def test_a_proxy_that_hangs_is_not_waited_for(model):
    with pytest.raises(RunnerError, match="cannot be reached"):
        run(model, hangs, hangs=True)
    # What accepts connections and never reads from them.
    with socket.create_server(("127.0.0.1", 0)) as mute, pytest.raises(RunnerError) as said:
        RayRunner(f"http://127.0.0.1:{mute.getsockname()[1]}/").run(model, ASKED, QUIET)
    assert "cannot be reached" in str(said.value)


@pytest.mark.usefixtures("hasty")
def test_a_run_waits_for_a_replica_as_long_as_the_proxy_is_there(model, made):
    there, server = run(model, tells(Ended(made), first_after_s=0.8))
    assert there.tokens == made.tokens
    assert len(server.asked) == 1


def test_a_run_whose_replica_is_lost_is_sent_again_and_its_steps_begin_anew(model, made):
    steps = []
    watcher = Watcher(lambda step, _n: steps.append(step), lambda: False)
    there, server = run(model, LOST, tells(StepsDone(1, 3), Ended(made)), watcher=watcher)
    assert steps == [1, 2, 1]
    assert there.tokens == made.tokens
    first, second = (RunRequest.from_bytes(data) for _path, _headers, data in server.asked)
    assert first.options == second.options
    # One that breaks off, one whose answer just ends, and one of which only the proxy tells.
    with pytest.raises(RunnerError, match="lost, and again"):
        run(model, LOST, tells(Alive()), answers(500))


def test_a_cluster_that_dies_in_a_run_is_said_and_the_next_one_is_used(model, made):
    def dies(answer):
        LOST(answer)
        answer.server.shutdown()
        answer.server.server_close()

    with ScriptedReplicas(dies) as there:
        runner = RayRunner(there.url)
        with pytest.raises(RunnerError, match="cannot be reached"):
            runner.run(model, ASKED, QUIET)
    with ScriptedReplicas(tells(Ended(made)), port=there.server_port):
        assert runner.run(model, ASKED, QUIET).tokens == made.tokens


@pytest.mark.usefixtures("hasty")
def test_a_replica_that_says_nothing_is_lost(model, made):
    there, server = run(model, tells(Alive(), hangs), tells(Ended(made)))
    assert there.tokens == made.tokens
    assert len(server.asked) == 2


def test_a_cancel_is_told_once_and_what_there_is_comes_back(model, made):
    heard = []
    watcher = Watcher(lambda step, _n: heard.append(step), lambda: bool(heard))

    def until_told(answer):
        while not answer.server.wishes and not answer.server.ended.wait(0.01):
            pass
        answer.server.ended.wait(0.3)

    there, server = run(model, tells(StepsDone(1, 3), until_told, Ended(made)), watcher=watcher)
    assert there.tokens == made.tokens
    assert server.wishes == [{"run": ASKED.run, "wish": "stop"}]


def test_haste_is_told_once_of_a_run_both_ways(model, made):
    both = RunRequest("kvviz/gpt2-mini", "The dog", GenerationOptions(3), "cpu", both=True)
    script = tells(StepsDone(1, 3), lambda answer: answer.server.ended.wait(0.4), Ended(made))
    watcher = Watcher(lambda *_: None, lambda: False, lambda: True)
    _there, server = run(model, script, watcher=watcher, asked=both)
    assert server.wishes == [{"run": both.run, "wish": "hurry"}]


def test_who_leaves_before_a_replica_has_begun_waits_for_none(model):
    began = time.monotonic()
    with pytest.raises(RunCancelledError):
        run(model, hangs, watcher=Watcher(lambda *_: None, lambda: True))
    assert time.monotonic() - began < run_call.ASKS_EVERY_S


def test_another_model_by_the_same_name_is_refused(made):
    other = kvviz.load_model("kvviz/llama-mini", device="cpu")
    with pytest.raises(RunnerError, match="another model by the name"):
        run(other, tells(Ended(made)))
