"""A cell of an attention pattern: who looks, and at whom."""

from __future__ import annotations

from dataclasses import dataclass

from kvviz.trace import GenerationTrace


@dataclass(frozen=True)
class Cell:
    """A cell of a pattern.

    Attributes:
        query: Row of the token that looks.
        key: Row of the token that is looked at.
        cross: Whether it is the pattern of a T5's second cache, so that the key is of the input.
    """

    query: int
    key: int
    cross: bool = False

    def __str__(self) -> str:
        return f"{self.query}.{self.key}{'x' if self.cross else ''}"

    def is_in(self, run: GenerationTrace, step: int) -> bool:
        """Whether a step of a run has it: both rows are there, and the mask lets one see the other.

        Args:
            run: The run.
            step: Step of it, 0 is the prefill.
        """
        n_keys = self.query + 1
        if self.cross:
            n_keys = 0 if run.cross is None else run.cross.n_encoder
        return 0 <= self.query < run.n_prompt + step and 0 <= self.key < n_keys
