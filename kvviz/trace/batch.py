"""Several runs of one model whose rows lie in blocks of one pool."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from kvviz.errors import TraceError, TraceFileError
from kvviz.trace.generation import GenerationTrace
from kvviz.translation import gettext as _


@dataclass(frozen=True, eq=False)
class BatchStep:
    """One pass for all runs that were under way, and the pool after it.

    Attributes:
        fed: By run that took part: how many of its tokens went through the network.
        tables: By run that holds blocks: their numbers, in the order of its text. A run whose last
            step this was is among them; it gives its blocks back before the next step.
        n_rows: By run that holds blocks: its rows, those shared with others among them.
        seconds: How long the pass took, for all.
    """

    fed: Mapping[int, int]
    tables: Mapping[int, tuple[int, ...]]
    n_rows: Mapping[int, int]
    seconds: float

    @cached_property
    def users(self) -> dict[int, tuple[int, ...]]:
        """By block that is used: the runs that use it, ascending."""
        found: dict[int, tuple[int, ...]] = {}
        for run in sorted(self.tables):
            for block in self.tables[run]:
                found[block] = (*found.get(block, ()), run)
        return dict(sorted(found.items()))

    @property
    def n_used(self) -> int:
        """Blocks that hold rows of any run, each counted once."""
        return len(self.users)

    @property
    def n_shared(self) -> int:
        """Blocks that hold rows of several runs."""
        return sum(len(runs) > 1 for runs in self.users.values())

    def filled(self, block_size: int) -> dict[int, int]:
        """Return by block how many of its places hold rows, at most `block_size`.

        Of a block that several use those count that the run with most rows has there.
        """
        found: dict[int, int] = {}
        for run, table in self.tables.items():
            for number, block in enumerate(table):
                n = min(block_size, self.n_rows[run] - number * block_size)
                found[block] = max(n, found.get(block, 0))
        return found


@dataclass(frozen=True, eq=False)
class BatchTrace:
    """Runs that were made together, their rows in blocks of one pool.

    Attributes:
        runs: The record of each run, in the order of the prompts. Times in them are of passes that
            several shared.
        joined: By run: the number of the step in which it took part first.
        begun_with: By run: the run whose rows it began with, None where it computed all of its own.
        steps: The passes, in order.
        block: Positions of a block.
        block_bytes: Bytes of one block, in all layers together.

    Raises:
        TraceError: If a table has not the blocks that its rows take, or steps and runs disagree.
    """

    runs: tuple[GenerationTrace, ...]
    joined: tuple[int, ...]
    begun_with: tuple[int | None, ...]
    steps: tuple[BatchStep, ...]
    block: int
    block_bytes: int

    def __post_init__(self) -> None:
        n_made = [0] * len(self.runs)
        for number, step in enumerate(self.steps):
            for run, n_fed in step.fed.items():
                made = self.runs[run].steps[n_made[run]]
                if number != self.joined[run] + n_made[run] or n_fed != made.fed.size:
                    raise _disagree(number, run)
                n_made[run] += 1
            for run, table in step.tables.items():
                if len(table) != -(-step.n_rows[run] // self.block):
                    raise _disagree(number, run)
        for run, trace in enumerate(self.runs):
            if n_made[run] != len(trace.steps):
                raise _disagree(len(self.steps), run)

    def save(self, path: object) -> None:
        """Say that there is no file of runs that were made together.

        Raises:
            TraceFileError: Always.
        """
        raise TraceFileError(
            _("Runs that were made together cannot be saved as one file yet."),
            fix=_("Save each of its runs: they are the traces in its runs."),
        )

    @property
    def n_tokens(self) -> int:
        """New tokens of all runs together."""
        return sum(len(run.steps) for run in self.runs)

    @property
    def seconds(self) -> float:
        """How long all passes took."""
        return sum(step.seconds for step in self.steps)

    @cached_property
    def fullest(self) -> int:
        """Number of the step after which most blocks are used; the first of several."""
        used = [step.n_used for step in self.steps]
        return used.index(max(used))

    def n_rows(self, number: int) -> int:
        """Return how many rows lie in the pool after a step, each that is shared counted once."""
        return sum(self.steps[number].filled(self.block).values())

    def slack(self, number: int) -> float:
        """Return the share of places in used blocks that are empty after a step, 0 to 1."""
        n_places = self.steps[number].n_used * self.block
        return 1 - self.n_rows(number) / n_places

    def copied(self, number: int) -> list[tuple[int, int, int]]:
        """Return which blocks a step copied before it wrote: run, block before, block after."""
        found: list[tuple[int, int, int]] = []
        for run, table in self.steps[number].tables.items():
            before = self._table_before(number, run)
            found += [
                (run, old, new) for old, new in zip(before, table, strict=False) if old != new
            ]
        return found

    def _table_before(self, number: int, run: int) -> tuple[int, ...]:
        """Return the blocks of a run before a step, those among them that it begins with."""
        source = self.begun_with[run]
        if number > self.joined[run]:
            return self.steps[number - 1].tables[run]
        if source is None:
            return ()
        n_begun = -(-self.runs[run].options.n_shared // self.block)
        return self.steps[number - 1].tables[source][:n_begun]

    @property
    def reserved_bytes(self) -> int:
        """Bytes of one contiguous room of the model's whole context a run, for all runs at once.

        Source: Kwon et al. (2023), section 3.1: what systems before paged attention reserved.
        """
        card = self.runs[0].model
        return len(self.runs) * card.n_ctx * card.cache_bytes_per_token


def _disagree(step: int, run: int) -> TraceError:
    return TraceError(
        _("The steps of a batch and the runs in it say different things."),
        found=_("Step {step} and run {run} disagree.").format(step=step, run=run),
    )
