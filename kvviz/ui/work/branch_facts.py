"""What was observed of a branch: the rows that it took over, and those that it made itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32


@dataclass(frozen=True, eq=False)
class BranchFacts:
    """What was observed of a branch.

    Attributes:
        taken: What was taken instead at each fork of the way to it, as text.
        parts_at: Position of the first token that is another than the run's that it leaves.
        n_asked: Tokens of the prompt that a person wrote; those up to the fork were written by the
            model, and are prompt to the branch.
        n_shared: Rows that were not computed, but taken over from that run.
        n_proven: Those of them whose keys and values have in every layer, when read last, the very
            fingerprints that the other run took when it wrote them.
        n_computed: Rows that the branch computed itself.
        flops: Operations of its first step.
        flops_alone: Those of a first step that computes every row.
        row_difference: Largest difference of any number of its rows from one pass over the same
            tokens from nothing, which takes no row over.
        n_equal_rows: Rows that are equal to that pass in every bit.
        same_next: Whether both find the same token most likely after the last one.
        logprobs: Log probability of each token but the first after those before it, by that pass.
    """

    taken: tuple[str, ...]
    parts_at: int
    n_asked: int
    n_shared: int
    n_proven: int
    n_computed: int
    flops: int
    flops_alone: int
    row_difference: float
    n_equal_rows: int
    same_next: bool
    logprobs: Float32[np.ndarray, " token"]
