"""Which tokens a step sees: a pure function of the seed and the number of the step.

The corpus is cut into blocks of 1,024 tokens, the blocks are shuffled once an epoch, and a group
of blocks feeds the same number of batches whether they are read as long rows or as short ones. So
the twins see the same text in the same order, nothing is read twice before everything has been
read once, and a resumed run goes on with the very next batch without any state to restore.

Axes: `row position`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64, UInt16

from training.errors import CorpusError

N_BLOCK = 1024
BLOCKS_PER_GROUP = 16
BATCHES_PER_GROUP = 4
SHORTEST = 12
TOKENS_PER_BATCH = N_BLOCK * BLOCKS_PER_GROUP // BATCHES_PER_GROUP


@dataclass(frozen=True)
class Mixture:
    """What is done to some of the rows so that heads and positions are trained.

    Attributes:
        repeated: Share of rows that are one span of text said over and over; they give the reward
            from which induction heads arise.
        shortest: Fewest tokens in such a span.
        longest: Most tokens in such a span; lengths are drawn evenly on a log scale.
        jumping: Share of rows whose positions jump ahead once, at a random place. Rows of 256
            tokens would leave positions 256-1,023 at their random start. With a jump they meet
            every position, and every distance, while the first token stays at position 0, where
            the attention sink forms. The idea is PoSE's (arXiv 2309.10400).
        cut: Share of rows of which only the beginning is read, `SHORTEST` tokens or more. For a
            T5 alone, whose objective then hides fewer spans, as a person would.
    """

    repeated: float
    shortest: int
    longest: int
    jumping: float
    cut: float = 0.0


@dataclass(frozen=True)
class Rows:
    """One batch of text.

    Attributes:
        tokens: (n_rows, n_ctx + 1) int64; one more than fed, because the last is only predicted.
        positions: (n_rows, n_ctx) int64, ascending from 0 in every row.
        lengths: (n_rows,) int64, how many tokens of each row are read; all of them if None.
    """

    tokens: Int64[np.ndarray, "row position_plus_1"]
    positions: Int64[np.ndarray, "row position"]
    lengths: Int64[np.ndarray, " row"] | None = None


class Batches:
    """All batches of a run, by number.

    Args:
        tokens: The packed corpus.
        seed: Decides the order of the blocks and everything drawn for a row.
        n_positions: Positions that the model has; jumps stay below it.

    Raises:
        CorpusError: There are fewer tokens than one group of blocks needs.
    """

    def __init__(self, tokens: UInt16[np.ndarray, " n"], seed: int, n_positions: int) -> None:
        self._tokens = tokens
        self._seed = seed
        self._n_positions = n_positions
        # One block is given up so that every epoch can start at another offset.
        self._n_groups = (len(tokens) - N_BLOCK - 1) // (N_BLOCK * BLOCKS_PER_GROUP)
        if self._n_groups < 1:
            raise CorpusError(
                "The corpus is too small to make a batch.",
                found=f"It holds {len(tokens):,} tokens.",
                fix=f"At least {N_BLOCK * (BLOCKS_PER_GROUP + 1) + 1:,} are needed.",
            )

    @property
    def per_epoch(self) -> int:
        """Batches after which the whole corpus has been read once."""
        return self._n_groups * BATCHES_PER_GROUP

    def batch(self, step: int, n_ctx: int, mixture: Mixture) -> Rows:
        """Returns the rows of a step.

        Args:
            step: Number of the step, from 0.
            n_ctx: Tokens in a row; must divide 1,024. Rows times tokens is always 4,096.
            mixture: What is done to some rows.
        """
        blocks, part = self._blocks(step)
        # Slice by slice through all blocks: no two rows of a batch of short rows are neighbours.
        starts = (blocks + np.arange(0, N_BLOCK, n_ctx)[:, None]).ravel()
        starts = np.split(starts, BATCHES_PER_GROUP)[part]
        rows = self._tokens[starts[:, None] + np.arange(n_ctx + 1)].astype(np.int64)
        draw = np.random.default_rng([self._seed, 1, step])
        for row in rows:
            if draw.random() < mixture.repeated:
                repeat_span(row, draw, mixture.shortest, mixture.longest)
        positions = self._positions(len(rows), n_ctx, mixture.jumping, draw)
        return Rows(rows, positions, _lengths(len(rows), n_ctx, mixture.cut, draw))

    def _blocks(self, step: int) -> tuple[Int64[np.ndarray, " block"], int]:
        epoch, within = divmod(step, self.per_epoch)
        group, part = divmod(within, BATCHES_PER_GROUP)
        draw = np.random.default_rng([self._seed, 0, epoch])
        offset = int(draw.integers(N_BLOCK))
        order = draw.permutation(self._n_groups * BLOCKS_PER_GROUP)
        chosen = order[group * BLOCKS_PER_GROUP : (group + 1) * BLOCKS_PER_GROUP]
        return chosen * N_BLOCK + offset, part

    def _positions(
        self, n_rows: int, n_ctx: int, jumping: float, draw: np.random.Generator
    ) -> Int64[np.ndarray, "row position"]:
        positions = np.tile(np.arange(n_ctx, dtype=np.int64), (n_rows, 1))
        room = self._n_positions - n_ctx
        for row in positions:
            if room > 0 and draw.random() < jumping:
                row[int(draw.integers(1, n_ctx)) :] += int(draw.integers(1, room + 1))
        return positions


def _lengths(
    n_rows: int, n_ctx: int, cut: float, draw: np.random.Generator
) -> Int64[np.ndarray, " row"] | None:
    if not cut:
        return None
    short = draw.random(n_rows) < cut
    return np.where(short, draw.integers(SHORTEST, n_ctx, n_rows), n_ctx)


def repeat_span(
    row: Int64[np.ndarray, " position"], draw: np.random.Generator, shortest: int, longest: int
) -> None:
    """Overwrites a row with one of its own spans, said again until the row is full.

    Args:
        row: Token ids; changed in place.
        draw: Gives the length and the place of the span.
        shortest: Fewest tokens in the span.
        longest: Most tokens in the span; half the row at most.
    """
    top = min(longest, len(row) // 2)
    low = min(shortest, top)
    length = int(np.exp(draw.uniform(np.log(low), np.log(top + 1))).clip(low, top))
    start = int(draw.integers(len(row) - length + 1))
    span = row[start : start + length].copy()
    row[:] = np.resize(span, len(row))
