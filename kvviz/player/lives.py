"""The life of each row, as the observers saw it: the steps that computed it, and that read it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from kvviz.player.contract import CONTRACT
from kvviz.trace import GenerationTrace, Step

STATES: list[str] = CONTRACT["row_states"]
"""What can be said of a row at a step; where nothing is said, the row is not there yet."""


def lives(name: str, run: GenerationTrace, n_steps: int) -> Iterator[tuple[str, np.ndarray]]:
    """Yield what happened to the K/V rows of a run at each step, and in which layers and heads.

    Rows of layers that see a window are dropped while those of others stay, so a run may have
    several lives. Each is told once, however many layers and KV heads have it.

    Args:
        name: Of the run, ``on`` or ``off``.
        run: The run.
        n_steps: Steps of it that are told of, from the prefill on.

    Yields:
        ``lives``, the spans of each life as `life_spans` packs them, its number before them; and
        ``life_of``, the number of the life that the rows of a layer and KV head have.
    """
    card = run.model
    shape = (card.n_layers, card.n_kv_heads)
    life_of, firsts = np.zeros(shape, dtype=np.int32), [(0, 0)]
    if run.last_read is not None:
        # What is dropped after the last step that is told of is there in all of them.
        last = np.minimum(run.last_read[:, :, : run.n_prompt + n_steps - 1], n_steps - 1)
        _, at, number = np.unique(
            last.reshape(card.n_layers * card.n_kv_heads, -1),
            axis=0,
            return_index=True,
            return_inverse=True,
        )
        life_of = number.reshape(shape).astype(np.int32)
        firsts = [divmod(int(one), card.n_kv_heads) for one in at]
    told = [
        np.insert(_life(run, n_steps, layer, head), 0, number, axis=1)
        for number, (layer, head) in enumerate(firsts)
    ]
    yield f"{name}.lives", np.concatenate(told)
    yield f"{name}.life_of", life_of


def _life(run: GenerationTrace, n_steps: int, layer: int, kv_head: int) -> np.ndarray:
    """Return the life of the rows of one KV head as spans."""
    return life_spans(lives_of_steps(run, n_steps, layer, kv_head))


def lives_of_steps(
    run: GenerationTrace, n_steps: int | None = None, layer: int = 0, kv_head: int = 0
) -> Iterator[dict[str, np.ndarray]]:
    """Yield the rows of one KV head that are in each state, step by step.

    Args:
        run: The run.
        n_steps: Steps that are told of, from the prefill on; None for all.
        layer: A layer.
        kv_head: A KV head of it.
    """
    for number, step in enumerate(run.steps[:n_steps]):
        live = run.live(number, layer)[kv_head]
        # Read by what is kept of its key or of its value, and not as it was written.
        is_packed = (
            np.zeros(live.size, dtype=bool)
            if run.packed is None
            else run.packed.packed_after.min(axis=0) < number
        )
        yield _states(step, live, run.n_prompt + number, is_packed)


def _states(
    step: Step, live: np.ndarray, n_written: int, is_packed: np.ndarray
) -> dict[str, np.ndarray]:
    gone = np.flatnonzero(~live[:n_written])
    there = step.reused[live[step.reused]]
    # What the first step reads and does not compute comes from another run.
    read = "read" if step.index else "shared"
    packed = is_packed[there]
    return {
        "computed": step.computed,
        read: there[~packed],
        "packed": there[packed],
        "evicted": gone,
    }


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
    first, last = int(rows[0]), int(rows[-1])
    if last - first == rows.size - 1:
        # One stretch, as nearly always: to look for breaks in it takes ten times as long.
        yield first, last + 1
        return
    (breaks,) = np.nonzero(np.diff(rows) != 1)
    for first, last in zip([0, *(breaks + 1)], [*breaks, rows.size - 1], strict=True):
        yield int(rows[first]), int(rows[last]) + 1
