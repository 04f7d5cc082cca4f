"""A text that goes on with several beams, and greedily beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kvviz.ui.pages.cache_lab.bench import read_tokens
from kvviz.ui.parts.written_lives import SeenPass, WriterLife, kept_life
from kvviz.ui.work.equal_work import Asker

if TYPE_CHECKING:
    from kvviz.engine import LoadedModel
    from kvviz.trace import BeamTrace, GenerationTrace


@dataclass(frozen=True, eq=False)
class BeamRun:
    """What came of a text.

    Attributes:
        beams: The search with several beams.
        greedy: The run that takes the likeliest token at each step.
    """

    beams: BeamTrace
    greedy: GenerationTrace

    @property
    def greedy_score(self) -> float:
        """Mean log probability of the greedy text's new tokens, in nats."""
        return float(np.log([step.chosen_prob for step in self.greedy.steps]).mean())

    @property
    def is_greedy(self) -> bool:
        """Whether the likeliest text that was found is the greedy one."""
        return np.array_equal(self.beams.best.token_ids, self.greedy.token_ids)

    @property
    def times_one(self) -> float:
        """How many times the bytes of one text's rows the beams held after their last pass."""
        last = self.beams.steps[-1]
        return last.cache_bytes * last.n_holders.shape[0] / last.alone_bytes

    @property
    def shared_share(self) -> float:
        """Share of the beams' rows, after the last pass, of which another holds the same copy."""
        last = self.beams.steps[-1]
        return last.n_shared / last.n_holders.size

    def lives(self, named: str, without: str) -> list[WriterLife]:
        """Return what was seen of the rows of each text that was found, and of the greedy run.

        Args:
            named: What a text is called, its number to stand in the braces.
            without: What the greedy run is called.
        """
        found = [
            WriterLife(named.format(number=number + 1), "on", 0, self._passes(number))
            for number in range(len(self.beams.found))
        ]
        return [*found, kept_life(without, self.greedy)]

    def _passes(self, number: int) -> tuple[SeenPass, ...]:
        path, tokens = self.beams.found[number].path, self.beams.tokens[number]
        passes: list[SeenPass] = []
        for step, beam in zip(self.beams.steps, path, strict=False):
            before = np.arange(step.fed[0])
            is_shared = step.n_holders[beam, : before.size] > 1
            states = {
                "read": before[~is_shared],
                "shared": before[is_shared],
                "computed": step.fed,
            }
            passes.append(SeenPass(tuple(tokens[: step.n_rows]), states))
        return tuple(passes)


def make(model: LoadedModel, asker: Asker, text: str, new: int, n_beams: int) -> BeamRun:
    """Go on with a text in both ways; for use on a worker thread.

    Args:
        model: A decoder.
        asker: Who waits.
        text: What is gone on with.
        new: Most tokens to write.
        n_beams: How many texts go on together.

    Raises:
        KvvizError: What the engine raises.
    """
    from kvviz.engine import trace_beams, trace_generation

    read_tokens(model, text, new)
    beams = trace_beams(
        model,
        text,
        n_beams=n_beams,
        max_new_tokens=new,
        progress=lambda done, _all: asker.report(done, 2 * new),
        cancel=asker.cancelled,
    )
    greedy = trace_generation(
        model,
        text,
        max_new_tokens=new,
        progress=lambda done, _all: asker.report(new + done, 2 * new),
        cancel=asker.cancelled,
    )
    return BeamRun(beams, greedy)
