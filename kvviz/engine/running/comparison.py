"""The same generation with the cache and without."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from torch import Tensor

from kvviz.engine.models.loaded_model import LoadedModel
from kvviz.engine.running.asked_prompt import Prompt
from kvviz.engine.running.generation import Cancel, Progress, checked_stops, prepared, run_alone
from kvviz.engine.running.so_far import OnSoFar
from kvviz.errors import OptionsError, RunCancelledError
from kvviz.trace import CacheComparison, GenerationOptions, GenerationTrace
from kvviz.translation import gettext as _


def trace_both(
    model: LoadedModel,
    prompt: Prompt,
    *,
    max_new_tokens: int = 24,
    temperature: float = 0.0,
    top_k: int | None = None,
    top_p: float | None = None,
    seed: int = 0,
    stop_ids: Sequence[int] = (),
    n_top: int = 10,
    n_timings: int = 1,
    first: int | None = None,
    prefix: GenerationTrace | None = None,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
    in_haste: Cancel | None = None,
    so_far: OnSoFar | None = None,
) -> CacheComparison:
    """Run a generation with the cache, then without, and compare the logits.

    The logits of the cached run wait in memory until the other has caught up with them.

    Args:
        model: What `kvviz.load_model` returned.
        prompt: Text to go on from, a conversation or tokens, as `trace_generation` takes it.
        max_new_tokens: Most tokens to generate in each run.
        temperature: As for `trace_generation`, like the next five.
        top_k: See there.
        top_p: See there.
        seed: See there.
        stop_ids: See there.
        n_top: See there.
        n_timings: How often both runs are made, in turn. The time of a step is the least of its
            times, since other work on the machine only ever adds to it; all else is of the first
            runs. A cancel from the second timing on leaves what is there.
        first: As for `trace_generation`.
        prefix: See there; the run with the cache begins with its rows, and the other computes them.
        progress: Called after each step with the steps done in both runs and the most there can
            be in both.
        cancel: Asked before each step; True ends both runs with what is there. So that nothing is
            lost of the first run, the second always does one step, which costs what a prefill does.
        in_haste: Asked before each step once the run with the cache is there; True leaves what is
            still to come: further timings, and of the run without the cache all but what is done.
        so_far: Given the record of the run with the cache while that goes on, as
            `trace_generation` does, and once it is whole.

    Raises:
        OptionsError: If `n_timings` is no whole number of at least 1.
        KvvizError: As `trace_generation`.
    """
    if type(n_timings) is not int or n_timings < 1:
        raise OptionsError(
            _("The number of timings must be a whole number, 1 or more."),
            found=_("Found {found!r}.").format(found=n_timings),
            fix=_("Change it and run again."),
        )
    stops = checked_stops(model, stop_ids)
    options = GenerationOptions(max_new_tokens, True, temperature, top_k, top_p, seed, stops)
    waiting: list[Tensor] = []
    differences: list[float] = []

    def keep(_step: int, logits: Tensor) -> None:
        waiting.append(logits)

    def compare(number: int, logits: Tensor) -> None:
        if number < len(waiting):
            differences.append(float((logits - waiting[number]).abs().max()))

    def first_progress(done: int, n_steps: int) -> None:
        if progress is not None:
            progress(done, 2 * n_steps)

    def second_progress(done: int, n_steps: int) -> None:
        if progress is not None:
            progress(len(cached.steps) + done, len(cached.steps) + n_steps)

    def later_cancel() -> bool:
        return any(asked is not None and asked() for asked in (cancel, in_haste))

    def second_cancel() -> bool:
        if not differences:
            return False
        return cached.stopped == "cancelled" or later_cancel()

    def made(chosen: GenerationOptions, **heard: Any) -> GenerationTrace:
        begun = {"first": first, "prefix": prefix if chosen.use_cache else None}
        return run_alone(model, prepared(model, prompt, chosen, n_top=n_top, **begun, **heard))

    cached = made(options, progress=first_progress, cancel=cancel, on_logits=keep, so_far=so_far)
    if so_far is not None:
        so_far(cached)
    uncached = made(
        replace(options, use_cache=False),
        progress=second_progress,
        cancel=second_cancel,
        on_logits=compare,
    )
    for _timing in range(1, 1 if uncached.stopped == "cancelled" else n_timings):
        try:
            cached, uncached = (
                _timed_again(
                    one,
                    made(replace(options, use_cache=one.options.use_cache), cancel=later_cancel),
                )
                for one in (cached, uncached)
            )
        except RunCancelledError:
            break
    n_common = _steps_with_same_history(cached.token_ids, uncached.token_ids, cached.n_prompt)
    return CacheComparison(
        cached=cached,
        uncached=uncached,
        logit_differences=np.array(differences[:n_common], dtype=np.float64),
    )


def _timed_again(trace: GenerationTrace, again: GenerationTrace) -> GenerationTrace:
    """Return a run with the lesser of the times of each step, if the other one did the same."""
    if not np.array_equal(trace.token_ids, again.token_ids):
        return trace
    steps = [
        replace(step, seconds=min(step.seconds, other.seconds))
        for step, other in zip(trace.steps, again.steps, strict=True)
    ]
    cross = trace.cross
    if cross is not None and again.cross is not None:
        seconds = min(cross.encoder.seconds, again.cross.encoder.seconds)
        cross = replace(cross, encoder=replace(cross.encoder, seconds=seconds))
    return replace(trace, steps=steps, cross=cross, n_timings=trace.n_timings + 1)


def _steps_with_same_history(one: np.ndarray, other: np.ndarray, n_prompt: int) -> int:
    """Return how many steps of both runs saw the same tokens before them."""
    n_new = min(one.size, other.size) - n_prompt
    differ = np.flatnonzero(one[n_prompt : n_prompt + n_new] != other[n_prompt : n_prompt + n_new])
    return int(differ[0]) + 1 if differ.size else n_new
