"""Several prompts as a tree of their beginnings, each run with the rows of those before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from kvviz.player.lives import lives_of_steps
from kvviz.ui.pages.cache_lab.many.several_runs import check_length, prompts_of
from kvviz.ui.parts.written_lives import SeenPass, WriterLife
from kvviz.ui.work.equal_work import Asker

if TYPE_CHECKING:
    from kvviz.engine import LoadedModel
    from kvviz.trace import GenerationTrace

N_TIMINGS = 3
"""How often each prefill is made to time it; the least time counts."""
MOST_NEW = 4
"""Tokens written behind each prompt: enough to see that it goes on as it would alone."""


@dataclass(frozen=True)
class Branch:
    """Tokens between two places at which prompts part, kept once for all that go through them.

    Attributes:
        start: Place of the first of them.
        stop: The place behind the last.
        prompts: Numbers of the prompts that begin so, ascending; the first wrote the rows.
        branches: What goes on from there, in the order in which it came.
    """

    start: int
    stop: int
    prompts: tuple[int, ...]
    branches: tuple[Branch, ...]

    @property
    def n_rows(self) -> int:
        """Rows of it and of all behind it, each once."""
        return self.stop - self.start + sum(one.n_rows for one in self.branches)


def branches(
    texts: Sequence[Sequence[int]], among: Sequence[int] | None = None, start: int = 0
) -> tuple[Branch, ...]:
    """Return the tree of some texts from a place on, as a radix tree holds it.

    Args:
        texts: Tokens of all texts.
        among: Numbers of those that are alike up to the place, ascending; None for all.
        start: The place.

    Source: Zheng et al. (2023), "SGLang: Efficient Execution of Structured Language Model
    Programs", section 3.
    """
    by_token: dict[int, list[int]] = {}
    for number in range(len(texts)) if among is None else among:
        if len(texts[number]) > start:
            by_token.setdefault(texts[number][start], []).append(number)
    found: list[Branch] = []
    for numbers in by_token.values():
        first = texts[numbers[0]]
        stop = start + 1
        while stop < len(first) and all(
            len(texts[one]) > stop and texts[one][stop] == first[stop] for one in numbers
        ):
            stop += 1
        found.append(Branch(start, stop, tuple(numbers), branches(texts, numbers, stop)))
    return tuple(found)


@dataclass(frozen=True, eq=False)
class PromptTree:
    """What came of some prompts, one after another.

    Attributes:
        runs: A run of each, which begins with the rows of the one before it that begins most alike.
        begun_with: The number of that one; None where no other begins so.
        alone: A run of each that computes every row.
        seconds: Time of all prefills, with the rows of others and alone; of each the least of some.
    """

    runs: tuple[GenerationTrace, ...]
    begun_with: tuple[int | None, ...]
    alone: tuple[GenerationTrace, ...]
    seconds: tuple[float, float]

    @cached_property
    def branches(self) -> tuple[Branch, ...]:
        """The tree of the prompts' tokens."""
        return branches([run.token_ids[: run.n_prompt].tolist() for run in self.runs])

    @property
    def n_rows(self) -> int:
        """Rows of all prompts, each with its own."""
        return sum(run.n_prompt for run in self.runs)

    @property
    def n_kept(self) -> int:
        """Rows of all prompts, each that several have in common once."""
        return sum(one.n_rows for one in self.branches)

    @property
    def n_computed(self) -> int:
        """Rows that the prefills computed."""
        return sum(run.steps[0].computed.size for run in self.runs)

    @property
    def is_proven(self) -> bool:
        """Whether rows that were taken over had the bits with which they were written, to the end.

        Those of the run that wrote them, and of the run that ends last.
        """
        return all(
            run.reuse_is_proven
            and (
                source is None
                or np.array_equal(
                    run.final_fingerprints[:, :, : run.options.n_shared],
                    self.runs[source].written_fingerprints[:, :, : run.options.n_shared],
                )
            )
            for run, source in zip(self.runs, self.begun_with, strict=True)
        )

    @property
    def n_same(self) -> int:
        """Prompts that are gone on with in the same tokens both ways."""
        return sum(
            one.token_ids.tolist() == other.token_ids.tolist()
            for one, other in zip(self.runs, self.alone, strict=True)
        )

    def lives(self, names: Sequence[str]) -> list[WriterLife]:
        """Return what was seen of the rows of each run.

        Args:
            names: What each is called.
        """
        return [_life(name, run) for name, run in zip(names, self.runs, strict=True)]


def _life(name: str, run: GenerationTrace) -> WriterLife:
    passes = tuple(
        SeenPass(tuple(run.tokens[: run.n_prompt + step.index]), states)
        for step, states in zip(run.steps, lives_of_steps(run), strict=True)
    )
    return WriterLife(name, "on", 0, passes)


def make(model: LoadedModel, asker: Asker, text: str, new: int) -> PromptTree:
    """Run the prompts one after another, and each alone; for use on a worker thread.

    Args:
        model: A decoder that keeps every row.
        asker: Who waits for it.
        text: The prompts, one a line.
        new: Tokens to write behind each.

    Raises:
        KvvizError: What the engine raises, and `prompts_of` and `check_length`.
    """
    from kvviz.engine import trace_generation

    prompts = prompts_of(text)
    for number, prompt in enumerate(prompts, start=1):
        check_length(model, prompt, number)
    runs: list[GenerationTrace] = []
    begun_with: list[int | None] = []
    alone: list[GenerationTrace] = []
    seconds = [0.0, 0.0]
    for number, prompt in enumerate(prompts):
        source = _most_alike(model.begun_ids(prompt), runs)
        prefixes = None if source is None else runs[source], None
        least: list[float] = []
        for prefix, made in zip(prefixes, (runs, alone), strict=True):
            run, *again = (
                trace_generation(
                    model, prompt, max_new_tokens=n, prefix=prefix, cancel=asker.cancelled
                )
                for n in (new, *(1,) * (N_TIMINGS - 1))
            )
            made.append(run)
            least.append(min(one.steps[0].seconds for one in (run, *again)))
        begun_with.append(source)
        seconds = [total + one for total, one in zip(seconds, least, strict=True)]
        asker.report(number + 1, len(prompts))
    return PromptTree(tuple(runs), tuple(begun_with), tuple(alone), (seconds[0], seconds[1]))


def _most_alike(ids: Sequence[int], runs: Sequence[GenerationTrace]) -> int | None:
    """Return the run whose prompt begins most like a text; the first of several, None if none."""
    alike = [_n_alike(ids, run.token_ids[: run.n_prompt].tolist()) for run in runs]
    most = max(alike, default=0)
    return alike.index(most) if min(most, len(ids) - 1) > 0 else None


def _n_alike(one: Sequence[int], other: Sequence[int]) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))
