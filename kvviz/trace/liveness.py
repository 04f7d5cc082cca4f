"""Which K/V rows attention could read at which step, where a cache drops some on the way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from jaxtyping import Bool, Int64

from kvviz.errors import TraceError
from kvviz.trace.model_card import ModelCard
from kvviz.trace.step import Step
from kvviz.translation import gettext as _
from kvviz.translation import ngettext

LastRead = Int64[np.ndarray, "layer kv_head position"]


def last_read(steps: Sequence[Step], n_layers: int, n_kv_heads: int, n_prompt: int) -> LastRead:
    """Return the last step at which each row could be read, ``len(steps)`` for a row never dropped.

    Args:
        steps: All steps of a run.
        n_layers: Layers of the model.
        n_kv_heads: Key and value heads a layer.
        n_prompt: Rows that the first step wrote; each other step wrote one.

    Raises:
        TraceError: If a row is dropped that no step has written, or that was gone already, or
            those of a step are out of order.
    """
    last = np.full((n_layers, n_kv_heads, n_prompt + len(steps) - 1), len(steps), dtype=np.int64)
    flat = last.reshape(-1)
    for number, step in enumerate(steps):
        if not step.evicted.size:
            continue
        layers, heads, positions = step.evicted
        bounds = (n_layers, n_kv_heads, n_prompt + number)
        if (step.evicted >= np.array(bounds)[:, None]).any():
            raise TraceError(
                _("Only rows that have been written can be dropped."),
                found=_("Step {step} drops one beyond {layers}, {heads} and {positions}.").format(
                    step=number,
                    layers=ngettext("{n} layer", "{n} layers", bounds[0]).format(n=bounds[0]),
                    heads=ngettext("{n} head", "{n} heads", bounds[1]).format(n=bounds[1]),
                    positions=ngettext("{n} position", "{n} positions", bounds[2]).format(
                        n=bounds[2]
                    ),
                ),
            )
        places = (layers * n_kv_heads + heads) * last.shape[-1] + positions
        if (places[1:] <= places[:-1]).any():
            raise TraceError(
                _("A step names what it drops once, in the order of layer, head and position."),
                found=_("Step {step} does not.").format(step=number),
            )
        if (flat[places] < len(steps)).any():
            raise TraceError(
                _("A row that was dropped is gone for good."),
                found=_("Step {step} drops one that was gone already.").format(step=number),
            )
        flat[places] = number
    return last


def fallen_rows(card: ModelCard, n_prompt: int, number: int) -> Int64[np.ndarray, "3 n_evicted"]:
    """Return the rows that fall out of the windows of a model after a step, as `Step.evicted`.

    A query at position q of a layer with a window of w sees the keys from q - w + 1 on. So once n
    rows are written, the next query, at position n, sees w - 1 of them, and those before are gone.

    Args:
        card: The model's shape.
        n_prompt: Rows that the first step wrote; each other step wrote one.
        number: Of the step.

    Source: Jiang et al. (2023), “Mistral 7B”, section 2.
    """
    n_after = n_prompt + number
    n_before = n_after - 1 if number else 0
    gone = [
        (layer, head, position)
        for layer in range(card.n_layers)
        for head in range(card.n_kv_heads)
        for position in range(
            n_before - card.n_kept(layer, n_before), n_after - card.n_kept(layer, n_after)
        )
    ]
    return np.array(gone, dtype=np.int64).reshape(-1, 3).T


def evictions(last: LastRead, n_steps: int) -> list[Int64[np.ndarray, "3 n_evicted"]]:
    """Return what each of so many steps dropped: `last_read` undone."""
    return [np.stack(np.nonzero(last == number)).astype(np.int64) for number in range(n_steps)]


def readable(last: LastRead, number: int, n_before: int) -> Int64[np.ndarray, " n_reused"]:
    """Return the earlier positions of which some row could still be read at a step.

    Args:
        last: What `last_read` returned.
        number: Of the step.
        n_before: Rows written before it.
    """
    return np.flatnonzero((last[..., :n_before] >= number).any(axis=(0, 1)))


def seen_by_query(
    last: Int64[np.ndarray, " position"], n_prompt: int
) -> Bool[np.ndarray, "query key"]:
    """Return which keys of one head were there when each query asked, those ahead included.

    Args:
        last: The last step at which each row of the head could be read.
        n_prompt: Rows that the first step wrote; each other step wrote one.
    """
    step_of_query = (np.arange(last.size) - n_prompt + 1).clip(min=0)
    return last[None, :] >= step_of_query[:, None]


def drops_something(steps: Iterable[Step]) -> bool:
    """Return whether any step dropped a row."""
    return any(step.evicted.size for step in steps)
