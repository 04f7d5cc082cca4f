"""What is asked of a model can be cancelled each time that it asks, and nothing is left of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from kvviz.engine import (
    caches,
    fill_by_trying,
    ghost_rows,
    head_origin,
    judge,
    pseudo_log_likelihood,
    row_effects,
    text_loss,
    trace_batch,
    trace_beams,
    trace_both,
    trace_generation,
    trace_speculative,
    write_by_appending,
    write_by_refining,
)
from kvviz.engine.timing.race import race
from kvviz.engine.timing.step_profile import profile_step
from kvviz.errors import RunCancelledError
from tests.unit.engine.conftest import hold_same_run, state_of

PROMPT = "the cat sat on"
IDS = [5, 9, 12, 30, 7]
Work = Callable[..., Any]


def of_a_run(make: Callable[[Any, Any], Work]) -> Work:
    """Return work about a run that is made for it, once a model."""
    made: dict[int, Work] = {}

    def work(model, **told):
        if id(model) not in made:
            made[id(model)] = make(model, trace_generation(model, PROMPT, max_new_tokens=3))
        return made[id(model)](**told)

    return work


def slid(model, **told):
    cache = caches.Window(size=3, sinks=0)
    trace = trace_generation(model, PROMPT, max_new_tokens=4, cache=cache, first=1)
    return ghost_rows(model, trace, **told)


RUNS: dict[str, Work] = {
    "with the cache": lambda m, **t: trace_generation(m, PROMPT, max_new_tokens=4, **t),
    "without": lambda m, **t: trace_generation(m, PROMPT, max_new_tokens=4, use_cache=False, **t),
    "in a window": lambda m, **t: trace_generation(
        m, PROMPT, max_new_tokens=4, cache=caches.Window(size=4, sinks=1), **t
    ),
    "packed": lambda m, **t: trace_generation(
        m, PROMPT, max_new_tokens=4, cache=caches.Quantised(group=4), **t
    ),
    "token by token": lambda m, **t: trace_generation(m, PROMPT, max_new_tokens=2, first=1, **t),
}
OTHERS: dict[str, Work] = {
    "both ways": lambda m, **t: trace_both(m, PROMPT, max_new_tokens=3, n_timings=2, **t),
    "beams": lambda m, **t: trace_beams(m, PROMPT, n_beams=2, max_new_tokens=3, **t),
    "guesses": lambda m, **t: trace_speculative(m, PROMPT, n_draft=2, max_new_tokens=3, **t),
    "a batch": lambda m, **t: trace_batch(m, [PROMPT, "the dog"], max_new_tokens=2, **t),
    "the loss of a text": lambda m, **t: text_loss(m, PROMPT * 9, context=20, stride=10, **t),
    "a verdict": lambda m, **t: judge(m, PROMPT, caches.Window(size=4), **t),
    "ghosts": slid,
    "changed rows": of_a_run(lambda m, run: lambda **t: row_effects(m, run, 1, 0, 0, **t)),
    "an origin": of_a_run(lambda m, run: lambda **t: head_origin(m, run, 1, 1, **t)),
    "a blank": lambda m, **t: fill_by_trying(m, IDS, 2, range(3, 60), **t),
    "a race": lambda m, **t: race(m, n_prompt=3, n_new=2, repeats=1, **t),
    "a profile": lambda m, **t: profile_step(m, 4, repeats=1, **t),
}
OF_A_BERT: dict[str, Work] = {
    "appending": lambda m, **t: write_by_appending(m, IDS, 3, **t),
    "refining": lambda m, **t: write_by_refining(m, IDS, 2, n_sweeps=2, **t),
    "pseudo-likelihood": lambda m, **t: pseudo_log_likelihood(m, IDS, **t),
}


def n_questions(work: Work, model: Any) -> int:
    """Return how often the work asks whether it is to stop."""
    asked: list[None] = []
    work(model, cancel=lambda: asked.append(None))
    return len(asked)


def cancelled_at(work: Work, model: Any, number: int) -> Any:
    """Return what work comes to that is cancelled when it asks for that time, counted from 0."""
    answers = iter([False] * number)
    try:
        return work(model, cancel=lambda: next(answers, True))
    except RunCancelledError as error:
        refused = error
    assert refused.fix
    return None


@pytest.mark.parametrize("kind", RUNS)
@pytest.mark.parametrize("family", ["model", "t5"])
def test_a_run_that_is_cancelled_keeps_the_steps_that_it_has(kind, family, request):
    if family == "t5" and kind not in ("with the cache", "without"):
        pytest.skip("what rows are kept is a matter of the cache, not of the family")
    model, work = request.getfixturevalue(family), RUNS[kind]
    before, whole = state_of(model), work(model)
    n_asked = n_questions(work, model)
    assert n_asked >= len(whole.steps)
    for number in range(n_asked):
        trace = cancelled_at(work, model, number)
        if trace is None:
            assert number == 0
            continue
        assert trace.stopped == "cancelled"
        assert len(trace.steps) == number
        assert trace.token_ids.tolist() == whole.token_ids[: trace.n_tokens].tolist()
        assert np.array_equal(trace.written_fingerprints, trace.final_fingerprints)
    hold_same_run(work(model), whole)
    assert state_of(model) == before


@pytest.mark.parametrize("kind", [*OTHERS, *OF_A_BERT])
def test_any_other_work_ends_each_time_that_it_asks(kind, model, bert):
    model, work = (bert, OF_A_BERT[kind]) if kind in OF_A_BERT else (model, OTHERS[kind])
    before = state_of(model)
    n_asked = n_questions(work, model)
    assert n_asked > 0
    for number in range(n_asked):
        cancelled_at(work, model, number)
    assert n_questions(work, model) == n_asked
    assert state_of(model) == before
