"""What travels between the app and a replica is the same at both ends, or is refused."""

from __future__ import annotations

import json
import random
from contextlib import suppress

import numpy as np
import pytest

import kvviz
from kvviz.errors import KvvizError, PromptError, RunnerError
from kvviz.serving import replica, run_messages, versions
from kvviz.serving.frame import MessageReader, framed, prefixed, unframed
from kvviz.serving.local_runner import LOCAL
from kvviz.serving.run_messages import Alive, Ended, OtherVersion, Refused, StepsDone
from kvviz.serving.run_request import RunRequest, loading_of
from kvviz.serving.runner import Watcher
from kvviz.trace import Conversation, GenerationOptions

OPTIONS = GenerationOptions(3, temperature=0.5, top_k=9, top_p=0.9, seed=4, stop_ids=(7,))
TALK = Conversation.of([{"role": "user", "content": "Hello"}])


@pytest.fixture(scope="module")
def model():
    return kvviz.load_model("kvviz/gpt2-mini", device="cpu")


@pytest.mark.parametrize("prompt", ["The dog", "a\ud800\u2028\n\0b", TALK, (5, 6, 7)])
def test_a_request_is_the_same_at_the_other_end(prompt):
    asked = RunRequest("kvviz/gpt2-mini", prompt, OPTIONS, "cpu", cache="window:4+1", grows=True)
    read = RunRequest.from_bytes(replica.ask(asked, "de"))
    for name in RunRequest.__dataclass_fields__:
        assert getattr(read, name) == getattr(asked, name), name
    assert loading_of(read.loads) == ("kvviz/gpt2-mini", "cpu", "float32")


@pytest.mark.parametrize(
    "wrong",
    [
        {"n_timings": 0},
        {"n_timings": 10**9},
        {"both": True, "cache": "window:4+1"},
        {"both": 1},
        {"model": None},
        {"ids": [1, "2"]},
        {"ids": [True]},
        {"turns": "[]"},
        {"options": {"max_new_tokens": 0}},
        {"sizes": [3]},
    ],
)
def test_a_request_that_no_app_sends_is_refused(wrong):
    head = json.loads(
        RunRequest("kvviz/gpt2-mini", "The dog", OPTIONS).to_bytes().partition(b"\n")[0]
    )
    RunRequest.from_bytes(json.dumps(head).encode() + b"\n")
    with pytest.raises(RunnerError):
        RunRequest.from_bytes(json.dumps(head | wrong).encode() + b"\n")


def test_bytes_that_were_altered_raise_nothing_but_ours(model):
    made = LOCAL.run(model, request_of(2), Watcher(lambda *_: None, lambda: False))
    draw = random.Random(18)
    for whole, read in (
        (request_of(2).to_bytes(), RunRequest.from_bytes),
        (run_messages.to_bytes(Ended(made)), run_messages.from_bytes),
    ):
        for _time in range(150):
            data = bytearray(whole)
            for _change in range(draw.randrange(1, 4)):
                data[draw.randrange(min(len(data), 3000))] = draw.randrange(256)
            with suppress(KvvizError):
                read(bytes(data[: draw.choice([None, draw.randrange(len(data))])]))


def request_of(new, **rest):
    return RunRequest("kvviz/gpt2-mini", "The dog", GenerationOptions(new), "cpu", **rest)


def answers(model, data, wishes=None):
    told = []
    replica.answer(data, lambda: model, wishes or replica.Wishes(), told.append)
    return [run_messages.from_bytes(one) for one in told]


def test_what_a_replica_makes_is_what_is_made_here(model):
    here = LOCAL.run(model, request_of(3, both=True), Watcher(lambda *_: None, lambda: False))
    *steps, ended = answers(model, replica.ask(request_of(3, both=True), "en"))
    assert any(isinstance(one, StepsDone) for one in steps)
    for one, other in ((here.cached, ended.made.cached), (here.uncached, ended.made.uncached)):
        assert one.tokens == other.tokens
        assert np.array_equal(one.all_keys, other.all_keys)
    assert np.array_equal(here.logit_differences, ended.made.logit_differences)


def test_a_run_that_grows_tells_its_record_as_it_stands(model, monkeypatch):
    monkeypatch.setattr("kvviz.engine.running.so_far.FIRST_AFTER_S", 0.0)
    *told, ended = answers(model, replica.ask(request_of(3, grows=True), "en"))
    grown = [one.trace for one in told if isinstance(one, run_messages.Grown)]
    assert grown
    assert grown[0].stopped == "under-way"
    n = grown[0].n_rows
    assert np.array_equal(grown[0].all_keys, ended.made.all_keys[:, :, :n])


def test_a_replica_stops_when_told_and_says_why_it_cannot_run(model):
    wishes = replica.Wishes()
    wishes.stop.set()
    (refused,) = answers(model, replica.ask(request_of(3), "en"), wishes)
    assert "cancelled" in str(refused.error)
    empty = RunRequest("kvviz/gpt2-mini", "", GenerationOptions(3))
    (refused,) = answers(model, replica.ask(empty, "en"))
    assert isinstance(refused.error, PromptError)
    (foreign,) = answers(model, replica.ask(empty, "zz"))
    assert isinstance(foreign.error, PromptError)


def test_a_fault_of_a_replica_is_one_sentence(model):
    (refused,) = answers(None, replica.ask(request_of(3), "en"))
    assert isinstance(refused.error, RunnerError)
    assert "Traceback" not in str(refused.error)


def test_a_request_of_another_version_is_not_read(monkeypatch):
    data = replica.ask(request_of(3), "en")
    assert replica.refused_version(data) is None
    here = versions.here()
    monkeypatch.setattr(versions, "here", lambda: "7.0/1")
    other = replica.refused_version(data)
    assert other == OtherVersion("7.0/1")
    assert run_messages.from_bytes(run_messages.to_bytes(other)) == other
    assert here != "7.0/1"


def test_an_error_is_one_of_ours_whatever_its_name_says():
    head, parts = unframed(run_messages.to_bytes(Refused(PromptError("No.", fix="Type."))))
    assert isinstance(run_messages.from_bytes(framed(head, parts)).error, PromptError)
    for name in ("said_by_system", "OSError", "__builtins__", "_"):
        error = run_messages.from_bytes(framed(head | {"error": name})).error
        assert type(error) is KvvizError
        assert (error.what, error.fix) == ("No.", "Type.")
    assert run_messages.from_bytes(run_messages.to_bytes(Alive())) == Alive()


def test_messages_are_whole_however_a_stream_is_cut():
    messages, draw = [b"", b"a", bytes(300), b"\xff" * 9], random.Random(18)
    stream = b"".join(map(prefixed, messages))
    for _time in range(30):
        reader, found, at = MessageReader(), [], 0
        while at < len(stream):
            until = at + draw.randrange(1, 40)
            found += reader.read(stream[at:until])
            at = until
        assert found == messages
    with pytest.raises(RunnerError, match="understand"):
        MessageReader().read(b"HTTP/1.1 200")
