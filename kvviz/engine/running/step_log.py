"""From what a run notes at each step to the steps of a trace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from kvviz.engine.caches.protocol import Positions, StepRows
from kvviz.engine.running.likely_tokens import likely_tokens
from kvviz.engine.running.sampling import Choice
from kvviz.trace import ModelCard, Step, forward_flops

_BLOCK = 32


class PassSize(NamedTuple):
    """How large a forward pass was.

    Attributes:
        n_new: Rows that went through the network.
        n_keys: Rows that they attended to, where no window hides any; or those of each layer.
        n_logits: Rows that it gave logits for.
    """

    n_new: int
    n_keys: int | Sequence[int]
    n_logits: int


@dataclass(frozen=True, slots=True, eq=False)
class StepNote:
    """What is known right after a step.

    Attributes:
        fed: Positions that went through the network.
        rows: What became of their rows.
        logits: What the model says of the next token.
        passes: How large its passes were: one, but where a prompt was read in pieces.
        choice: The token that was chosen.
        seconds: How long forward pass and choice took.
    """

    fed: range
    rows: StepRows
    logits: Float[Tensor, " vocab"]
    passes: Sequence[PassSize]
    choice: Choice
    seconds: float


class StepLog:
    """Notes of the steps so far.

    Notes are worked into steps a block at a time. Done after every step, this little work would
    cost more than twice as much, since the weights have just driven all else from the processor's
    caches. Only the logits of one block are ever held.

    Args:
        card: The model's card.
        n_top: How many likely tokens each step names.
    """

    def __init__(self, card: ModelCard, n_top: int) -> None:
        self._card = card
        self._n_top = n_top
        self._steps: list[Step] = []
        self._notes: list[StepNote] = []

    def __len__(self) -> int:
        return len(self._steps) + len(self._notes)

    def add(self, note: StepNote) -> None:
        """Take note of a step.

        Raises:
            ModelFilesError: If the logits of this or an earlier step are not finite.
        """
        self._notes.append(note)
        if len(self._notes) == _BLOCK:
            self._work()

    def steps(self) -> list[Step]:
        """Return all steps so far.

        Raises:
            ModelFilesError: As `add`.
        """
        if self._notes:
            self._work()
        return list(self._steps)

    def _work(self) -> None:
        notes, self._notes = self._notes, []
        chosen = [note.choice.token_id for note in notes]
        likely = likely_tokens(torch.stack([note.logits for note in notes]), chosen, self._n_top)
        for row, note in enumerate(notes):
            ids, probs = likely.ids[row], note.choice.probs
            sampling = ids == chosen[row] if probs is None else probs.numpy()[ids]
            number = len(self._steps)
            self._steps.append(
                Step(
                    index=number,
                    kind="prefill" if number == 0 else "decode",
                    fed=_positions(note.fed),
                    computed=_positions(note.rows.computed),
                    reused=_positions(note.rows.reused),
                    top_ids=ids,
                    top_probs=likely.probs[row],
                    top_sampling_probs=sampling.astype(np.float32),
                    chosen_id=chosen[row],
                    chosen_prob=float(likely.chosen_probs[row]),
                    seconds=note.seconds,
                    flops=self._flops(note),
                    cache_bytes=note.rows.cache_bytes,
                    max_row_change=note.rows.max_row_change,
                    cross_computed=_positions(note.rows.cross_computed),
                    cross_reused=_positions(note.rows.cross_reused),
                    evicted=note.rows.evicted,
                )
            )

    def _flops(self, note: StepNote) -> int:
        rows = note.rows
        return rows.cache_flops + sum(
            forward_flops(
                self._card,
                *size,
                n_encoder=len(rows.cross_computed) + len(rows.cross_reused),
                n_cross_computed=len(rows.cross_computed),
            )
            for size in note.passes
        )


def _positions(positions: Positions) -> Int64[np.ndarray, " n"]:
    if isinstance(positions, range):
        return np.arange(positions.start, positions.stop)
    return positions
