"""A run that goes on with several likely texts at once, and what their rows have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from kvviz.errors import TraceError, TraceFileError
from kvviz.trace.arrays import checked_array
from kvviz.trace.model_card import ModelCard
from kvviz.translation import gettext as _


@dataclass(frozen=True, eq=False)
class BeamStep:
    """What happened in one pass of all beams, and how they went on after it.

    Attributes:
        fed: Positions that went through the network, the same in every beam; a row of each was
            computed in each.
        n_holders: For each beam that made the pass and each row that it has after it, how many of
            them hold the one copy of that row that there is.
        parents: For each beam that goes on, which one of those that made the pass it goes on from.
        token_ids: The token with which it does.
        scores: Sum of the log probabilities of its tokens with that one, in nats.
        n_copied: Blocks of rows that were copied in the pass, since a beam wrote where others read.
        cache_bytes: Measured bytes of all blocks, each counted once.
        alone_bytes: Bytes that as many rows would take if each beam had all of its own.
        seconds: Measured time of the pass and of the choice, device synchronised.
        flops: Counted floating-point operations of the pass.

    Raises:
        TraceError: If they contradict each other.
    """

    fed: Int64[np.ndarray, " n_fed"]
    n_holders: Int64[np.ndarray, "beam row"]
    parents: Int64[np.ndarray, " next_beam"]
    token_ids: Int64[np.ndarray, " next_beam"]
    scores: Float64[np.ndarray, " next_beam"]
    n_copied: int
    cache_bytes: int
    alone_bytes: int
    seconds: float
    flops: int

    def __post_init__(self) -> None:
        checked_array(self.n_holders, "n_holders", np.int64, n_axes=2)
        n_beams, n_rows = self.n_holders.shape
        parents_are = ((self.parents >= 0) & (self.parents < n_beams)).all()
        holders_are = ((self.n_holders >= 1) & (self.n_holders <= n_beams)).all()
        if not (parents_are and holders_are and self.fed.size and self.fed[-1] + 1 == n_rows):
            raise TraceError(
                _("A beam goes on from one that made the pass, and a row is held by some of them.")
            )

    @property
    def n_rows(self) -> int:
        """Rows of each beam after the pass."""
        return self.n_holders.shape[1]

    @property
    def n_shared(self) -> int:
        """Rows of a beam of which another holds the same copy, over all beams."""
        return int((self.n_holders > 1).sum())


@dataclass(frozen=True, eq=False)
class Hypothesis:
    """A text that was found.

    Attributes:
        token_ids: Prompt and new tokens.
        score: Mean log probability of its new tokens, in nats.
        path: Which beam held its rows at each pass.
    """

    token_ids: Int64[np.ndarray, " n_tokens"]
    score: float
    path: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class BeamTrace:
    """The frozen record of a search with several beams, checked when it is built.

    Attributes:
        model: The model.
        prompt: The text to go on from.
        n_prompt: Tokens of it.
        n_beams: How many texts go on together.
        block: Positions of a block of rows.
        steps: The passes; the first reads the prompt, once for all.
        found: The texts that were found, the likeliest a token first.
        tokens: The tokens of each as the tokenizer shows them.
        reuse_is_proven: Whether every row of every beam had, at the end, the bits with which it was
            written.

    Raises:
        TraceError: If a text is not what its beams were given token by token.
    """

    model: ModelCard
    prompt: str
    n_prompt: int
    n_beams: int
    block: int
    steps: Sequence[BeamStep]
    found: Sequence[Hypothesis]
    tokens: Sequence[Sequence[str]]
    reuse_is_proven: bool

    def __post_init__(self) -> None:
        object.__setattr__(self, "steps", tuple(self.steps))
        object.__setattr__(self, "found", tuple(self.found))
        for one in self.found:
            for number, (before, after) in enumerate(zip(one.path, one.path[1:], strict=False)):
                step = self.steps[number]
                came_from = int(step.parents[after]) if after < step.parents.size else -1
                told = one.token_ids[self.n_prompt + number]
                if came_from != before or step.token_ids[after] != told:
                    raise TraceError(
                        _("A text that was found is what its beams went on with, step by step."),
                        found=_("At step {number} it is not.").format(number=number),
                    )

    def save(self, path: object) -> None:
        """Say that there is no file of a search.

        Raises:
            TraceFileError: Always.
        """
        raise TraceFileError(
            _("A search with several beams cannot be saved yet."),
            fix=_("Save a run of trace_generation that begins with the text that was found."),
        )

    @property
    def best(self) -> Hypothesis:
        """The text that is likeliest a token."""
        return self.found[0]

    @property
    def n_copied(self) -> int:
        """Blocks that were copied, over all passes."""
        return sum(step.n_copied for step in self.steps)

    @property
    def n_computed(self) -> int:
        """Rows that were computed, over all beams and passes."""
        return sum(step.fed.size * step.n_holders.shape[0] for step in self.steps)
