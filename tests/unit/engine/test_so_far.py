"""A run is told as it stands while it goes on, and is no other run for it."""

import numpy as np
import pytest

from kvviz import caches, open_trace
from kvviz.engine import load_model, trace_both, trace_generation
from kvviz.engine.running import so_far
from tests.parity.tiny_decoders import FULL, SLIDING, TinyDecoder
from tests.parity.tiny_models import PROMPT
from tests.unit.engine.conftest import hold_same_run

WINDOWED = TinyDecoder(
    "mixed", "Gemma3", config={"sliding_window": 5, "layer_types": [SLIDING, FULL, SLIDING]}
)
N_NEW = 6


@pytest.fixture(params=["model", "t5", "windowed"])
def some_model(request, tmp_path):
    if request.param == "windowed":
        return load_model(WINDOWED.save(tmp_path / "windowed"), device="cpu")
    return request.getfixturevalue(request.param)


@pytest.fixture
def told_at_each_step(monkeypatch):
    monkeypatch.setattr(so_far, "FIRST_AFTER_S", 0.0)
    monkeypatch.setattr(so_far, "EVERY_S", 0.0)
    monkeypatch.setattr(so_far, "MOST_SHARE", float("inf"))


@pytest.mark.parametrize("cache", [caches.Full(), caches.Recomputed()])
def test_a_run_is_told_step_by_step_and_is_the_same_run(some_model, cache, told_at_each_step):
    told = []
    asked = {"max_new_tokens": N_NEW, "cache": cache}
    whole = trace_generation(some_model, PROMPT, **asked, so_far=told.append)
    hold_same_run(whole, trace_generation(some_model, PROMPT, **asked))
    assert whole.stopped == "length"
    # The last step is told by the run itself.
    assert [len(one.steps) for one in told] == list(range(1, N_NEW))
    for one in told:
        assert one.stopped == "under-way"
        assert np.array_equal(one.token_ids, whole.token_ids[: one.n_tokens])
        n_rows = one.all_keys.shape[-2]
        assert n_rows == one.n_tokens - 1
        if isinstance(cache, caches.Full):
            # What was told stays as it was told: these are the rows of the whole run, to the bit.
            assert np.array_equal(one.all_keys, whole.all_keys[..., :n_rows, :])
            assert np.array_equal(
                one.written_fingerprints, whole.written_fingerprints[..., :n_rows]
            )
        assert np.array_equal(one.written_fingerprints, one.final_fingerprints)
        for ours, theirs in zip(one.steps, whole.steps, strict=False):
            assert np.array_equal(ours.computed, theirs.computed)
            assert np.array_equal(ours.evicted, theirs.evicted)


def test_it_is_saved_and_opened_as_what_it_is(model, told_at_each_step, tmp_path):
    told = []
    trace_generation(model, PROMPT, max_new_tokens=3, so_far=told.append)
    told[0].save(tmp_path / "part.kvviz")
    again = open_trace(tmp_path / "part.kvviz")
    assert again.stopped == "under-way"
    hold_same_run(again, told[0])


def test_of_two_runs_the_one_with_the_cache_is_told_and_then_whole(model, told_at_each_step):
    told = []
    both = trace_both(model, PROMPT, max_new_tokens=3, so_far=told.append)
    assert [one.stopped for one in told] == ["under-way", "under-way", "length"]
    assert told[-1] is both.cached


def test_a_short_run_is_told_when_it_is_over(model):
    told = []
    trace_generation(model, PROMPT, max_new_tokens=3, so_far=told.append)
    assert told == []


def test_to_tell_it_takes_a_tenth_of_the_time_at_most(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(so_far.time, "monotonic", lambda: now[0])
    telling = so_far.SoFar(lambda record: None)

    def made():
        now[0] += 3.0
        return

    assert not telling.is_due()
    now[0] = so_far.FIRST_AFTER_S
    assert telling.is_due()
    telling.tell(made)
    over = now[0]
    now[0] = over + 3.0 / so_far.MOST_SHARE - 0.1
    assert not telling.is_due()
    now[0] += 0.2
    assert telling.is_due()
    assert not so_far.SoFar(None).is_due()
