from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kvviz.engine import trace_both, trace_generation
from kvviz.engine.running import comparison
from kvviz.errors import ContextLengthError, OptionsError, RunCancelledError
from tests.parity.tiny_models import PROMPT


def test_both_runs_are_those_of_single_calls(model):
    options = {"max_new_tokens": 7, "temperature": 0.9, "top_k": 30, "seed": 5}
    both = trace_both(model, PROMPT, **options)
    for ours, use_cache in ((both.cached, True), (both.uncached, False)):
        alone = trace_generation(model, PROMPT, use_cache=use_cache, **options)
        assert ours.options == alone.options
        np.testing.assert_array_equal(ours.token_ids, alone.token_ids)
        np.testing.assert_array_equal(ours.all_keys, alone.all_keys)
    assert both.same_tokens
    assert both.logit_differences.shape == (7,)


def test_difference_is_rounding_and_shrinks_with_it(model):
    single = trace_both(model, PROMPT, max_new_tokens=10)
    double = trace_both(model.as_dtype("float64"), PROMPT, max_new_tokens=10)
    assert 0 < single.max_logit_difference < 1e-4
    # Float64 has 29 more bits; a difference that were no rounding would stay where it is.
    assert 0 < double.max_logit_difference < single.max_logit_difference * 2.0**-20


def test_progress_counts_both_runs(model):
    told = []
    trace_both(model, PROMPT, max_new_tokens=3, progress=lambda *counts: told.append(counts))
    assert told == [(done, 6) for done in range(1, 7)]


def test_cancel_in_the_second_run_keeps_the_first(model):
    steps = []
    both = trace_both(
        model,
        PROMPT,
        max_new_tokens=6,
        progress=lambda done, _: steps.append(done),
        cancel=lambda: len(steps) == 8,
    )
    assert (both.cached.stopped, both.uncached.stopped) == ("length", "cancelled")
    assert (len(both.cached.steps), len(both.uncached.steps)) == (6, 2)
    assert both.logit_differences.size == 2


@pytest.mark.parametrize(
    ("steps_before", "cached_stopped", "n_cached"),
    [(1, "cancelled", 1), (3, "cancelled", 3), (6, "length", 6)],
)
def test_cancel_in_the_first_run_or_at_its_end_loses_nothing_of_it(
    model, steps_before, cached_stopped, n_cached
):
    """The second run does its one step and ends, also where the caller forgets that it asked."""
    steps, told = [], []

    def cancel():
        told.append(len(steps) >= steps_before and told.count(True) == 0)
        return told[-1]

    both = trace_both(
        model,
        PROMPT,
        max_new_tokens=6,
        progress=lambda done, _: steps.append(done),
        cancel=cancel,
    )
    assert (both.cached.stopped, len(both.cached.steps)) == (cached_stopped, n_cached)
    assert (both.uncached.stopped, len(both.uncached.steps)) == ("cancelled", 1)
    assert both.logit_differences.size == 1


def test_cancel_before_the_first_step_is_an_error(model):
    with pytest.raises(RunCancelledError):
        trace_both(model, PROMPT, cancel=lambda: True)


def test_run_that_goes_on_after_the_other_has_ended_is_compared_no_further(model, monkeypatch):
    honest = comparison.prepared
    third = trace_generation(model, PROMPT, max_new_tokens=3).steps[2].chosen_id

    def prepared(model, prompt, options, **rest):
        stop_ids = frozenset({third} if options.use_cache else ())
        return honest(replace(model, stop_ids=stop_ids), prompt, options, **rest)

    monkeypatch.setattr(comparison, "prepared", prepared)
    both = trace_both(model, PROMPT, max_new_tokens=8)
    assert len(both.cached.steps) < len(both.uncached.steps) == 8
    assert both.logit_differences.size == len(both.cached.steps)


def test_logits_are_compared_only_while_the_tokens_agree(model, monkeypatch):
    """A run that leaves the other's path after three tokens is compared for three steps more."""
    honest = comparison.run_alone

    def run_alone(model, steps):
        trace = honest(model, steps)
        if not trace.options.use_cache:
            trace.token_ids.setflags(write=True)
            trace.token_ids[trace.n_prompt + 3] += 1
        return trace

    monkeypatch.setattr(comparison, "run_alone", run_alone)
    both = trace_both(model, PROMPT, max_new_tokens=8)
    assert not both.same_tokens
    assert both.logit_differences.size == 4


def test_errors_are_those_of_a_single_run(model):
    with pytest.raises(OptionsError):
        trace_both(model, PROMPT, max_new_tokens=0)
    with pytest.raises(ContextLengthError):
        trace_both(model, PROMPT, max_new_tokens=1000)


def test_a_step_takes_the_least_time_of_all_timings_made_in_turn(model, monkeypatch):
    made = []

    def run_with_known_times(model, steps):
        trace = honest(model, steps)
        made.append(trace)
        # The first run of each way is slow at its first step, the second one at its second.
        slow = (len(made) - 1) // 2
        seconds = [9.0 if number == slow else 1.0 + len(made) for number in range(3)]
        steps = [replace(step, seconds=s) for step, s in zip(trace.steps, seconds, strict=True)]
        return replace(trace, steps=steps)

    honest = comparison.run_alone
    monkeypatch.setattr(comparison, "run_alone", run_with_known_times)
    both = trace_both(model, PROMPT, max_new_tokens=3, n_timings=2)
    assert [trace.options.use_cache for trace in made] == [True, False, True, False]
    assert [step.seconds for step in both.cached.steps] == [4.0, 2.0, 2.0]
    assert [step.seconds for step in both.uncached.steps] == [5.0, 3.0, 3.0]
    assert (both.cached.n_timings, both.uncached.n_timings) == (2, 2)
    assert both.cached.all_keys is made[0].all_keys
    assert both.logit_differences.shape == (3,)


def test_in_haste_what_is_still_to_come_is_left(model):
    asked = []

    def after(n_steps):
        asked.clear()
        return lambda: asked.append(1) or len(asked) > n_steps

    whole = trace_both(model, PROMPT, max_new_tokens=4, n_timings=3)
    # Of the run without the cache the first step is made whatever is asked.
    none = trace_both(model, PROMPT, max_new_tokens=4, n_timings=3, in_haste=after(0))
    assert none.cached.tokens == whole.cached.tokens
    assert none.cached.stopped == "length"
    assert (none.uncached.stopped, len(none.uncached.steps)) == ("cancelled", 1)
    # Three steps follow it, and then the timings.
    once = trace_both(model, PROMPT, max_new_tokens=4, n_timings=3, in_haste=after(3))
    assert once.uncached.tokens == whole.uncached.tokens
    assert (once.cached.n_timings, once.uncached.n_timings) == (1, 1)
    assert (whole.cached.n_timings, whole.uncached.n_timings) == (3, 3)


def test_a_timing_that_did_something_else_is_no_timing(model, monkeypatch):
    honest, n_made = comparison.prepared, iter(range(4))

    def run_that_parts(model, prompt, options, **others):
        options = options if next(n_made) < 2 else replace(options, temperature=5.0)
        return honest(model, prompt, options, **others)

    monkeypatch.setattr(comparison, "prepared", run_that_parts)
    both = trace_both(model, PROMPT, max_new_tokens=6, n_timings=2)
    assert (both.cached.n_timings, both.uncached.n_timings) == (1, 1)
    assert both.same_tokens


@pytest.mark.parametrize("steps_before", [12, 14, 20])
def test_a_cancel_while_timing_again_leaves_what_is_there(model, monkeypatch, steps_before):
    n_asked = 0

    def cancel():
        nonlocal n_asked
        n_asked += 1
        return n_asked > steps_before

    both = trace_both(model, PROMPT, max_new_tokens=6, n_timings=3, cancel=cancel)
    assert (both.cached.stopped, both.uncached.stopped) == ("length", "length")
    assert len(both.cached.steps) == len(both.uncached.steps) == 6
    assert both.cached.n_timings <= 2
    assert n_asked <= steps_before + 2


def test_timings_of_a_t5_keep_the_least_time_of_its_encoder(t5):
    both = trace_both(t5, PROMPT, max_new_tokens=3, n_timings=3)
    assert both.cached.n_timings == both.uncached.n_timings == 3
    assert both.cached.reuse_is_proven


@pytest.mark.parametrize("n_timings", [0, -1, 1.5, True, "3"])
def test_a_number_of_timings_that_is_none_is_refused(model, n_timings):
    with pytest.raises(OptionsError, match="number of timings"):
        trace_both(model, PROMPT, n_timings=n_timings)
