"""Runs that are made together: each as if it were alone, whoever comes, goes or fails."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import kvviz
from kvviz.engine import load_model, trace_generation, trace_together
from kvviz.engine.caches.preallocated_layer import PreallocatedLayer
from kvviz.engine.observing.observation import StepObservation
from kvviz.engine.observing.shared_observation import SharedObservation
from kvviz.engine.running.forward_pass import pass_together
from kvviz.engine.running.generation import prepared
from kvviz.engine.running.run_batch import RunBatch
from kvviz.errors import ModelFamilyError, ObservationError, RunCancelledError
from kvviz.trace import GenerationOptions
from kvviz.translation import using
from tests.parity.tiny_models import PROMPT
from tests.unit.engine.conftest import hold_same_run, state_of, unlike_jobs

# A trace keeps rows in float32. Those of a run in float64 may so differ by one rounding of a number
# below 8; computed in float32, some hundred terms in another order move them by a few more.
CLOSE = {"float64": 2.0**-21, "float32": 1e-5}


@pytest.fixture(scope="module", params=list(CLOSE))
def exact(request, tiny_folder):
    """The tiny model in both number formats, and how close its rows must be."""
    return load_model(tiny_folder, device="cpu", dtype=request.param), CLOSE[request.param]


def run_of(model, prompt, *, max_new_tokens, use_cache=True, n_top=10, **rest):
    """Return a run that asks for its passes, from arguments of `trace_generation`."""
    hooks = {name: rest.pop(name) for name in ("progress", "cancel", "on_logits") if name in rest}
    options = GenerationOptions(
        max_new_tokens,
        use_cache,
        rest.get("temperature", 0.0),
        rest.get("top_k"),
        rest.get("top_p"),
        rest.get("seed", 0),
    )
    return prepared(model, prompt, options, n_top=n_top, **hooks)


def finish(batch):
    while batch.step():
        pass


def hold_as_alone(ours, alone, close):
    """Hold a run of a batch to the same run alone: all counts equal, all numbers close."""
    assert ours.tokens == alone.tokens
    assert ours.stopped == alone.stopped
    for one, other in zip(ours.steps, alone.steps, strict=True):
        for name in ("fed", "computed", "reused"):
            assert np.array_equal(getattr(one, name), getattr(other, name)), name
        assert (one.flops, one.cache_bytes) == (other.flops, other.cache_bytes)
        assert np.abs(one.top_probs - other.top_probs).max() < max(close, 1e-6)
    for name in ("queries", "all_keys", "all_values"):
        assert np.abs(getattr(ours, name) - getattr(alone, name)).max() < close, name


def test_runs_that_differ_in_everything_are_as_if_each_were_alone(exact):
    model, close = exact
    jobs = unlike_jobs(PROMPT)
    batch = RunBatch(model)
    before = state_of(model)
    records = [batch.join(run_of(model, **job)) for job in jobs]
    finish(batch)
    assert state_of(model) == before
    for job, record in zip(jobs, records, strict=True):
        hold_as_alone(record.result(timeout=0), trace_generation(model, **job), close)
        assert record.result().n_together == len(jobs)
        assert record.result().reuse_is_proven


@settings(max_examples=15)
@given(
    plan=st.lists(
        st.tuples(st.integers(0, 9), st.integers(1, 8), st.integers(1, 8), st.booleans()),
        min_size=2,
        max_size=6,
    )
)
def test_runs_join_and_leave_at_any_step(model, plan):
    batch, records = RunBatch(model), {}
    for step in range(10):
        for number, (joins, words, n_new, use_cache) in enumerate(plan):
            if joins == step:
                job = {
                    "prompt": " the cat" * words,
                    "max_new_tokens": n_new,
                    "use_cache": use_cache,
                }
                records[number] = job, batch.join(run_of(model, **job))
        batch.step()
    finish(batch)
    assert len(records) == len(plan)
    for job, record in records.values():
        hold_as_alone(record.result(timeout=0), trace_generation(model, **job), CLOSE["float32"])


@pytest.mark.parametrize("after", range(6))
def test_a_run_that_is_cancelled_at_any_step_leaves_the_others_alone(model, after):
    done = []
    stopping = {
        "progress": lambda step, _n: done.append(step),
        "cancel": lambda: len(done) >= after,
    }
    jobs = unlike_jobs(PROMPT)[:3]
    batch = RunBatch(model)
    others = [batch.join(run_of(model, **job)) for job in jobs]
    stopped = batch.join(run_of(model, " the dog", max_new_tokens=6, **stopping))
    finish(batch)
    for job, record in zip(jobs, others, strict=True):
        hold_as_alone(record.result(timeout=0), trace_generation(model, **job), CLOSE["float32"])
    if after:
        alone = trace_generation(model, " the dog", max_new_tokens=6)
        assert stopped.result().stopped == ("length" if after == 6 else "cancelled")
        assert stopped.result().tokens == alone.tokens[: alone.n_prompt + after]
    else:
        with pytest.raises(RunCancelledError):
            stopped.result()


def test_a_run_that_fails_leaves_the_others_alone(model):
    def fail(step, _logits):
        if step == 2:
            raise ValueError("This one fails.")

    batch = RunBatch(model)
    other = batch.join(run_of(model, PROMPT, max_new_tokens=6))
    failing = batch.join(run_of(model, " the dog", max_new_tokens=6, on_logits=fail))
    finish(batch)
    with pytest.raises(ValueError, match=r"This one fails\."):
        failing.result(timeout=0)
    hold_as_alone(
        other.result(timeout=0),
        trace_generation(model, PROMPT, max_new_tokens=6),
        CLOSE["float32"],
    )


def test_a_pass_that_fails_ends_all_that_shared_it_and_the_batch_goes_on(model, monkeypatch):
    batch = RunBatch(model)
    records = [batch.join(run_of(model, PROMPT, max_new_tokens=6)) for _ in range(2)]
    batch.step()
    with monkeypatch.context() as patch:
        patch.setattr(model.module, "forward", lambda **_: 1 / 0)
        batch.step()
    for record in records:
        with pytest.raises(ZeroDivisionError):
            record.result(timeout=0)
    later = batch.join(run_of(model, PROMPT, max_new_tokens=2))
    finish(batch)
    assert len(later.result(timeout=0).steps) == 2


def test_threads_may_join_while_another_makes_the_steps(model):
    jobs = [{"prompt": " the cat" * (1 + n % 4), "max_new_tokens": 3 + n % 5} for n in range(12)]
    batch = RunBatch(model)
    with ThreadPoolExecutor(4) as pool:
        joined = [pool.submit(lambda job=job: batch.join(run_of(model, **job))) for job in jobs]
        while not all(one.done() and one.result().done() for one in joined):
            batch.step()
    for job, one in zip(jobs, joined, strict=True):
        record = one.result().result(timeout=0)
        hold_as_alone(record, trace_generation(model, **job), CLOSE["float32"])


def test_prompts_of_a_class_are_answered_in_their_order(model):
    prompts = [" the cat", PROMPT, " the dog and the cat"]
    traces = trace_together(model, prompts, max_new_tokens=5, temperature=0.8, seed=4)
    for prompt, trace in zip(prompts, traces, strict=True):
        alone = trace_generation(model, prompt, max_new_tokens=5, temperature=0.8, seed=4)
        hold_as_alone(trace, alone, CLOSE["float32"])
    assert trace_together(model, []) == []


def test_a_single_run_shares_nothing_and_is_the_same_to_the_last_bit(model):
    (trace,) = trace_together(model, [PROMPT], max_new_tokens=5)
    hold_same_run(trace, trace_generation(model, PROMPT, max_new_tokens=5))
    assert trace.n_together == 1


def test_what_cannot_share_a_pass_is_made_beside_the_others(model, t5, bert):
    traces = trace_together(t5, ["the cat", "the dog and the cat"], max_new_tokens=4)
    for prompt, trace in zip(["the cat", "the dog and the cat"], traces, strict=True):
        hold_same_run(trace, trace_generation(t5, prompt, max_new_tokens=4))
        assert trace.n_together == 1
    with pytest.raises(ModelFamilyError):
        trace_together(bert, ["the cat"])


def test_a_run_speaks_the_language_of_who_wants_it(model):
    batch = RunBatch(model)
    with using("en-XA"):
        accented = batch.join(run_of(model, PROMPT, max_new_tokens=2, cancel=lambda: True))
    plain = batch.join(run_of(model, PROMPT, max_new_tokens=2, cancel=lambda: True))
    finish(batch)
    said = str(plain.exception())
    assert said.startswith("The run was cancelled before its first step.")
    assert str(accented.exception()) != said


def test_a_shared_run_says_so_in_its_file(model, tmp_path):
    one, _other = trace_together(model, [PROMPT, " the dog"], max_new_tokens=3)
    one.save(tmp_path / "run.npz")
    assert kvviz.open_trace(tmp_path / "run.npz", kind="generation").n_together == 2


def test_a_projection_that_saw_other_rows_is_not_handed_out():
    shared = SharedObservation([StepObservation(), StepObservation()], [3, 1])
    shared.projected.append((0, 4))
    shared.hand_out()
    assert [part.projected for part in shared.parts] == [[(0, 3)], [(0, 1)]]
    shared.projected.append((1, 5))
    with pytest.raises(ObservationError, match="Layer 1 projected 5 rows"):
        shared.hand_out()


def test_an_attention_that_reads_a_copy_ends_its_run_and_no_other(model, monkeypatch):
    written = PreallocatedLayer.update

    def copied(layer, key_states, value_states, *rest, **named):
        keys, values = written(layer, key_states, value_states, *rest, **named)
        return (keys.clone(), values) if layer.get_max_length() == 21 else (keys, values)

    batch = RunBatch(model)
    jobs = [{"prompt": PROMPT, "max_new_tokens": n_new} for n_new in (6, 10)]
    sound, broken = (batch.join(run_of(model, **job)) for job in jobs)
    with monkeypatch.context() as patch:
        patch.setattr(PreallocatedLayer, "update", copied)
        finish(batch)
    alone = trace_generation(model, **jobs[0])
    with pytest.raises(ObservationError, match="read other rows"):
        broken.result(timeout=0)
    hold_as_alone(sound.result(timeout=0), alone, CLOSE["float32"])


def test_a_batch_leaves_threads_that_wait_for_one_another(model, monkeypatch):
    monkeypatch.delenv("KVVIZ_THREADS", raising=False)
    used = []

    def passed(model, asked):
        used.append(torch.get_num_threads())
        made = pass_together(model, asked)
        return [replace(one, seconds=0.1 if used[-1] > 1 else 0.01) for one in made]

    monkeypatch.setattr("kvviz.engine.running.run_batch.pass_together", passed)
    batch = RunBatch(replace(model, n_threads=2))
    for prompt in ("a b", "c"):
        batch.join(run_of(model, prompt, max_new_tokens=20))
    finish(batch)
    # The first pass reads the prompts, and four are judged.
    assert used == [2] * 5 + [1] * 15
