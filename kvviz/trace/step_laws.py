"""The law that the steps of a run keep, by the way in which it keeps its rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int64

from kvviz.errors import TraceError
from kvviz.trace.liveness import LastRead, readable
from kvviz.trace.options import GenerationOptions
from kvviz.trace.step import Step


def check_steps(
    steps: Sequence[Step],
    options: GenerationOptions,
    *,
    token_ids: Int64[np.ndarray, " n_tokens"],
    n_prompt: int,
    n_encoder: int,
    last: LastRead | None,
) -> None:
    """Hold each step to the law of its kind of run.

    With the full cache a step computes the rows of the new positions and reuses all earlier ones;
    without one it computes all. With a named cache it reuses those earlier rows that no step has
    dropped yet, and computes none of them again: a row that is gone stays gone.

    Args:
        steps: The steps, one for each new token.
        options: How tokens were generated, and how rows were kept.
        token_ids: Prompt and generated tokens.
        n_prompt: How many of them are the prompt.
        n_encoder: Tokens that an encoder read, 0 without one.
        last: The last step at which each row could be read, None if no step dropped any.

    Raises:
        TraceError: If a step breaks it.
    """
    if last is not None and options.cache is None:
        raise TraceError(
            "A run that keeps every row drops none, and one that keeps none has none to drop.",
            found=f"It says {options.cache_name!r}, and drops rows.",
        )
    n_likely = steps[0].top_ids.size
    for number, step in enumerate(steps):
        if step.top_ids.size != n_likely:
            raise TraceError(
                "Every step names the same number of likely tokens.",
                found=f"Step 0 names {n_likely}, step {number} {step.top_ids.size}.",
            )
        if step.max_row_change and (number == 0 or options.use_cache):
            raise TraceError(
                "Rows that are computed once do not move.",
                found=f"Step {number} says that one moved by {step.max_row_change}.",
            )
        is_first = number == 0 or not options.use_cache
        _check_cross_positions(step, n_encoder, is_first)
        n_rows = n_prompt + number
        first_new = 0 if is_first else n_rows - 1
        expected = np.arange(first_new, n_rows)
        kept = np.arange(first_new) if last is None else readable(last, number, first_new)
        if (
            step.index != number
            or not np.array_equal(step.fed, expected)
            or not np.array_equal(step.computed, expected)
            or not np.array_equal(step.reused, kept)
            or step.chosen_id != token_ids[n_rows]
        ):
            raise TraceError(
                "A step does not do what its kind of run does.",
                found=f"Step {number} fed {step.fed.size}, computed {step.computed.size} and "
                f"reused {step.reused.size} rows of {n_rows}.",
            )


def _check_cross_positions(step: Step, n_encoder: int, is_first: bool) -> None:
    every = np.arange(n_encoder)
    if not np.array_equal(step.cross_computed, every if is_first else every[:0]) or (
        not np.array_equal(step.cross_reused, every[:0] if is_first else every)
    ):
        raise TraceError(
            "Cross-attention rows are computed at the first step and reused by all others, or "
            "computed at every step without the cache.",
            found=f"Step {step.index} computed {step.cross_computed.size} and reused "
            f"{step.cross_reused.size} of {n_encoder}.",
        )
