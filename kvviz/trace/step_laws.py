"""The law that the steps of a run keep, by the way in which it keeps its rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int64

from kvviz.errors import TraceError
from kvviz.trace.liveness import LastRead, fallen_rows, readable
from kvviz.trace.model_card import ModelCard
from kvviz.trace.options import GenerationOptions
from kvviz.trace.step import Step
from kvviz.translation import gettext as _
from kvviz.translation import ngettext


def check_steps(
    steps: Sequence[Step],
    options: GenerationOptions,
    card: ModelCard,
    *,
    token_ids: Int64[np.ndarray, " n_tokens"],
    n_prompt: int,
    n_encoder: int,
    last: LastRead | None,
) -> None:
    """Hold each step to the law of its kind of run.

    With the full cache a step computes the rows of the new positions and reuses all earlier ones,
    but for those that fell out of a layer's window; the first one reuses those that came from
    another run. Without a cache a step computes all. With a named cache
    it reuses those earlier rows that no step has dropped yet, and computes none of them again: a
    row that is gone stays gone.

    Args:
        steps: The steps, one for each new token.
        options: How tokens were generated, and how rows were kept.
        card: The model's shape.
        token_ids: Prompt and generated tokens.
        n_prompt: How many of them are the prompt.
        n_encoder: Tokens that an encoder read, 0 without one.
        last: The last step at which each row could be read, None if no step dropped any.

    Raises:
        TraceError: If a step breaks it.
    """
    has_window = bool(card.windows) and options.use_cache and options.cache is None
    if last is not None and options.cache is None and not has_window:
        raise TraceError(
            _("A run that keeps every row drops none, and one that keeps none has none to drop."),
            found=_("It says {cache!r}, and drops rows.").format(cache=options.cache_name),
        )
    n_likely = steps[0].top_ids.size
    for number, step in enumerate(steps):
        if step.top_ids.size != n_likely:
            raise TraceError(
                _("Every step names the same number of likely tokens."),
                found=_("Step 0 names {n_first}, step {step} {n}.").format(
                    n_first=n_likely, step=number, n=step.top_ids.size
                ),
            )
        if step.max_row_change and (number == 0 or options.use_cache):
            raise TraceError(
                _("Rows that are computed once do not move."),
                found=_("Step {step} says that one moved by {change}.").format(
                    step=number, change=step.max_row_change
                ),
            )
        if has_window:
            _check_fallen(step, fallen_rows(card, n_prompt, number))
        is_first = number == 0 or not options.use_cache
        _check_cross_positions(step, n_encoder, is_first)
        n_rows = n_prompt + number
        # Rows of another run are reused by the first step already.
        first_new = options.n_shared if is_first else n_rows - 1
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
                _("A step does not do what its kind of run does."),
                found=ngettext(
                    "Step {step} fed {n_fed}, computed {n_computed} and reused {n} row of {n_all}.",
                    "Step {step} fed {n_fed}, computed {n_computed} and reused {n} rows of "
                    "{n_all}.",
                    step.reused.size,
                ).format(
                    step=number,
                    n_fed=step.fed.size,
                    n_computed=step.computed.size,
                    n=step.reused.size,
                    n_all=n_rows,
                ),
            )


def _check_fallen(step: Step, fallen: Int64[np.ndarray, "3 n_evicted"]) -> None:
    if not np.array_equal(step.evicted, fallen):
        raise TraceError(
            _("A layer with a window drops the rows that fall out of it, and no others."),
            found=ngettext(
                "Step {step} drops {found} where {n} row falls out.",
                "Step {step} drops {found} where {n} rows fall out.",
                fallen.shape[1],
            ).format(step=step.index, found=step.evicted.shape[1], n=fallen.shape[1]),
        )


def _check_cross_positions(step: Step, n_encoder: int, is_first: bool) -> None:
    every = np.arange(n_encoder)
    if not np.array_equal(step.cross_computed, every if is_first else every[:0]) or (
        not np.array_equal(step.cross_reused, every[:0] if is_first else every)
    ):
        raise TraceError(
            _(
                "Cross-attention rows are computed at the first step and reused by all others, "
                "or computed at every step without the cache."
            ),
            found=_("Step {step} computed {n_computed} and reused {n_reused} of {n}.").format(
                step=step.index,
                n_computed=step.cross_computed.size,
                n_reused=step.cross_reused.size,
                n=n_encoder,
            ),
        )
