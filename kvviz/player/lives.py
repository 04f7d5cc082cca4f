"""The life of each row, as the observers saw it: the steps that computed it, and that read it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from kvviz.player.contract import CONTRACT
from kvviz.trace import GenerationTrace

STATES: list[str] = CONTRACT["row_states"]
"""What can be said of a row at a step; where nothing is said, the row is not there yet."""


def lives(run: GenerationTrace, n_steps: int) -> np.ndarray:
    """Return what happened to the K/V rows of a run at each step, as `life_spans` packs it."""
    return life_spans(
        {"computed": step.computed, "read": step.reused} for step in run.steps[:n_steps]
    )


def cross_lives(run: GenerationTrace, n_steps: int) -> np.ndarray:
    """Return the same of the rows of the cross-attention cache, one for each encoder position."""
    return life_spans(
        {"computed": step.cross_computed, "read": step.cross_reused} for step in run.steps[:n_steps]
    )


def life_spans(steps: Iterable[Mapping[str, np.ndarray]]) -> np.ndarray:
    """Pack what happened to rows, step by step.

    Args:
        steps: For each step the rows, ascending, that are in each of its states.

    Returns:
        int32, shape (n_spans, 4): step, number of the state in `STATES`, first row and the row
        after the last one; ordered by step.
    """
    found = [
        (number, STATES.index(state), *span)
        for number, step in enumerate(steps)
        for state, rows in step.items()
        for span in spans(rows)
    ]
    return np.array(found, dtype=np.int32).reshape(-1, 4)


def spans(rows: np.ndarray) -> Iterator[tuple[int, int]]:
    """Yield first row and row after the last of each stretch of neighbours among ascending rows."""
    if not rows.size:
        return
    (breaks,) = np.nonzero(np.diff(rows) != 1)
    for first, last in zip([0, *(breaks + 1)], [*breaks, rows.size - 1], strict=True):
        yield int(rows[first]), int(rows[last]) + 1
