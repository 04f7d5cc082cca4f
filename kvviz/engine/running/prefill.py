"""A long prompt that is read in pieces, so that no pass holds more scores than there is room."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from kvviz.engine.caches.protocol import StepRows
from kvviz.engine.running.forward_pass import PassResult
from kvviz.engine.running.step_log import PassSize
from kvviz.trace import ModelCard

MOST_SCORE_BYTES = 2**28
"""Most bytes that the scores of one layer may take in a pass. A GPT-2 at its full context takes a
fifth of it; 9 heads over 8,192 rows would take nine times as much."""


class Piece(NamedTuple):
    """A pass of a step, and what became of its rows."""

    made: PassResult
    rows: StepRows

    @property
    def size(self) -> PassSize:
        """What its operations are counted from."""
        return PassSize(len(self.rows.computed), self.rows.n_keys, self.made.n_logits)


def pieces(card: ModelCard, fed: range) -> list[range]:
    """Return the pieces in which positions go through the network, one behind the other.

    Each attends to all rows before it, so that it finds in the cache what the whole would find in
    itself. There is one, where the scores of the whole take no more than `MOST_SCORE_BYTES`.

    Args:
        card: The model's shape and dtype.
        fed: The positions.

    Source: Agrawal et al. (2023), “SARATHI”, section 4.1: chunked prefills.
    """
    bytes_a_row = card.n_heads * fed.stop * card.bytes_per_number
    n_rows = max(1, MOST_SCORE_BYTES // bytes_a_row)
    starts = range(fed.start, fed.stop, n_rows)
    return [range(start, min(start + n_rows, fed.stop)) for start in starts]


def together(settled: Sequence[StepRows]) -> StepRows:
    """Return what became of the rows of a step whose pieces were settled one by one."""
    first, last = settled[0], settled[-1]
    if len(settled) == 1:
        return first
    evicted = np.concatenate([one.evicted for one in settled], axis=1)
    return StepRows(
        computed=range(int(first.computed[0]), int(last.computed[-1]) + 1),
        reused=first.reused,
        n_keys=last.n_keys,
        cache_bytes=last.cache_bytes,
        # By layer, then KV head, then position.
        evicted=evicted[:, np.lexsort(evicted[::-1])],
    )
