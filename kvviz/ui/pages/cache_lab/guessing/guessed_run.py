"""A text that is written with guesses and once more one token after the other, both timed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from kvviz.ui.pages.cache_lab.bench import read_tokens
from kvviz.ui.parts.written_lives import SeenPass, WriterLife, kept_life
from kvviz.ui.work.equal_work import Asker

if TYPE_CHECKING:
    from kvviz.engine import LoadedModel
    from kvviz.trace import GenerationTrace, SpeculativeTrace

N_TIMINGS = 3
"""How often both ways are run to time them; the least time of each counts."""


@dataclass(frozen=True, eq=False)
class GuessedRun:
    """What came of a text.

    Attributes:
        guessed: The run with guesses.
        plain: The run without: the likeliest token, one a step.
        seconds: Time of a token behind the first, with guesses and without; the least of several
            runs. The prompt is read in the same way by both.
        pass_seconds: Time of a pass that tries guesses, and of a step without, means of the runs
            that took least; None where no pass tried any.
    """

    guessed: SpeculativeTrace
    plain: GenerationTrace
    seconds: tuple[float, float]
    pass_seconds: tuple[float, float] | None

    @cached_property
    def n_same(self) -> int:
        """New tokens up to the first at which the two texts differ."""
        n = self.guessed.n_prompt
        one, other = self.guessed.token_ids[n:], self.plain.token_ids[n:]
        differ = one[: other.size] != other[: one.size]
        return int(differ.argmax()) if differ.any() else min(one.size, other.size)

    @property
    def is_same(self) -> bool:
        """Whether both wrote the same text."""
        return np.array_equal(self.guessed.token_ids, self.plain.token_ids)

    @property
    def n_passes(self) -> int:
        """Passes that wrote, that which read the prompt among them."""
        return len(self.guessed.passes)

    @property
    def gain(self) -> float:
        """How many times as fast a token came with guesses."""
        return self.seconds[1] / self.seconds[0]

    def lives(self, with_guesses: str, without: str) -> list[WriterLife]:
        """Return what was seen of the rows of both runs, under these names."""
        passes = tuple(
            SeenPass(
                self.guessed.tokens_at(number),
                {
                    "read": one.reused,
                    "computed": one.fed[: one.fed.size - one.taken_back.size],
                    "taken": one.taken_back,
                },
            )
            for number, one in enumerate(self.guessed.passes)
        )
        return [WriterLife(with_guesses, "on", 0, passes), kept_life(without, self.plain)]


def make(
    model: LoadedModel, asker: Asker, draft: LoadedModel | None, text: str, new: int, n_draft: int
) -> GuessedRun:
    """Write a text in both ways, several times in turns; for use on a worker thread.

    Args:
        model: A decoder.
        asker: Who waits.
        draft: The model that guesses, None where the text is looked up.
        text: What is gone on with.
        new: Tokens to write, 2 or more.
        n_draft: Most tokens to guess before a pass.

    Raises:
        KvvizError: What the engine raises.
    """
    from kvviz.engine import trace_generation, trace_speculative

    read_tokens(model, text, new)
    n_all, n_done = 2 * N_TIMINGS * new, 0
    guessed: list[SpeculativeTrace] = []
    plain: list[GenerationTrace] = []

    def report(done: int, _all: int) -> None:
        asker.report(min(n_done + done, n_all), n_all)

    for _turn in range(N_TIMINGS):
        # In turns, so that a busy moment falls on both.
        guessed.append(
            trace_speculative(
                model,
                text,
                draft="lookup" if draft is None else draft,
                n_draft=n_draft,
                max_new_tokens=new,
                progress=report,
                cancel=asker.cancelled,
            )
        )
        n_done += new
        plain.append(
            trace_generation(
                model, text, max_new_tokens=new, progress=report, cancel=asker.cancelled
            )
        )
        n_done += new
    fastest = min(guessed, key=_behind_the_prompt)
    step = min(sum(one.seconds for one in run.steps[1:]) for run in plain)
    n_behind = max(1, len(plain[0].steps) - 1), max(1, guessed[0].n_new - 1)
    tries = [one.seconds for one in fastest.passes[1:] if one.proposed_ids.size]
    return GuessedRun(
        guessed[0],
        plain[0],
        (_behind_the_prompt(fastest) / n_behind[1], step / n_behind[0]),
        (float(np.mean(tries)), step / n_behind[0]) if tries else None,
    )


def _behind_the_prompt(run: SpeculativeTrace) -> float:
    """Return the time of all passes and guesses but that which read the prompt."""
    return sum(one.seconds + one.guess_seconds for one in run.passes[1:])
