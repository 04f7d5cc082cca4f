"""Several runs whose rows lie in blocks of one pool, a pass a step for all that are under way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from kvviz.engine.caches.choice import named_cache
from kvviz.engine.caches.paged import Paged, PagedRows
from kvviz.engine.caches.protocol import RowsPlace
from kvviz.engine.models.loaded_model import LoadedModel
from kvviz.engine.running.asked_prompt import Prompt, asked_prompt
from kvviz.engine.running.generation import Cancel, Progress, checked_stops, prepared
from kvviz.engine.running.reading import require_decoder, require_whole_sight
from kvviz.engine.running.run_batch import RunBatch
from kvviz.engine.running.shared_beginning import n_shared
from kvviz.errors import OptionsError, RunCancelledError
from kvviz.trace import BatchStep, BatchTrace, GenerationOptions, GenerationTrace
from kvviz.translation import gettext as _

MOST_RUNS = 64


@dataclass(eq=False)
class _Member:
    """A run of the batch, and where its rows are.

    It is what makes room for its own rows (`BegunRows`): in the pool of the others, behind the rows
    that it begins with.
    """

    number: int
    prompt: Prompt
    ids: list[int]
    options: GenerationOptions
    joins: int
    cache: Paged
    others: list[_Member]
    source: _Member | None = None
    n_rows: int = 0
    kept: PagedRows | None = None
    ended: Future[GenerationTrace] | None = None
    made_in: list[int] = field(default_factory=list)

    def rows(self, place: RowsPlace) -> PagedRows:
        """Make room in the pool that the first of all made."""
        source = None if self.source is None else self.source.kept
        first = next((one.kept for one in self.others if one.kept is not None), None)
        if source is not None:
            self.kept = source.fork(place, self.n_rows)
        elif first is not None:
            self.kept = first.beside(place)
        else:
            self.kept = self.cache.rows(place)
        return self.kept

    @property
    def table(self) -> tuple[int, ...]:
        """Its blocks; none before it has begun, and after it has given them back."""
        return () if self.kept is None else tuple(self.kept.tables[0].blocks)

    @property
    def n_there(self) -> int:
        """Rows that are in its blocks."""
        return self.kept.tables[0].n_rows if self.kept is not None and self.table else 0

    def in_common(self, other: _Member) -> int:
        """Return how many rows of another's prompt it could begin with, once they are there.

        The last token of a prompt is read in any case: from there the model looks for the next.
        """
        return min(n_shared(self.ids, other.ids), len(self.ids) - 1)


def trace_batch(
    model: LoadedModel,
    prompts: Sequence[Prompt],
    *,
    max_new_tokens: int | Sequence[int] = 24,
    cache: Paged | None = None,
    joins: Sequence[int] | None = None,
    temperature: float = 0.0,
    top_k: int | None = None,
    top_p: float | None = None,
    seed: int = 0,
    stop_ids: Sequence[int] = (),
    n_top: int = 10,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> BatchTrace:
    """Generate from several prompts at once, their rows in blocks of one pool.

    A step is one pass for all runs that are under way, each of which joins and leaves at a step of
    its own; a run that has ended gives its blocks back, and the next who asks is given them. A
    prompt that begins with at least a block of the tokens of a run under way begins with its rows,
    bit for bit, and shares their blocks; the first to write to a block that several use copies it.
    Where that run joins at the same step, the other waits for the next.

    Args:
        model: As for `trace_generation`, like what is not named here; a decoder all of whose layers
            see every position.
        prompts: A text or a conversation for each run, 1 to 64.
        max_new_tokens: For all runs, or one number a run.
        cache: How large the blocks are; blocks of 16 if None.
        joins: By run: the first step in which it may take part; 0 for all if None.
        temperature: See there.
        top_k: See there.
        top_p: See there.
        seed: See there; run i has the seed ``seed + i``, so that equal prompts go on differently
            when sampled.
        stop_ids: See there.
        n_top: See there.
        progress: Called after each pass with the steps that runs have made and the most there are.
        cancel: Asked before each pass; True ends all runs with what is there.

    Returns:
        The record of all.

    Raises:
        KvvizError: As `trace_generation`; none of the runs is returned if one fails.
        OptionsError: Also if there are no prompts or too many, a list has not a number for each, or
            layers of the model see a window.

    Source: Kwon et al. (2023), “Efficient memory management for large language model serving with
    PagedAttention”, section 4; Yu et al. (2022), “Orca”, section 4.1: runs join and leave at steps.
    """
    kept_in = Paged() if cache is None else cache
    _check(model, prompts, kept_in)
    lengths = _one_each(max_new_tokens, len(prompts))
    firsts = _one_each(0 if joins is None else joins, len(prompts))
    stops, named = checked_stops(model, stop_ids), named_cache(kept_in)
    members: list[_Member] = []
    for number, (prompt, n_new) in enumerate(zip(prompts, lengths, strict=True)):
        options = GenerationOptions(
            n_new, True, temperature, top_k, top_p, seed + number, stops, named
        )
        ids = asked_prompt(model, prompt, options.max_new_tokens).ids
        members.append(_Member(number, prompt, ids, options, firsts[number], kept_in, members))
    n_most = sum(member.options.max_new_tokens for member in members)
    batch, seen = RunBatch(model), list[_Pool]()

    def begin(member: _Member) -> Future[GenerationTrace]:
        run = prepared(
            model,
            member.prompt,
            member.options,
            n_top=n_top,
            cache=kept_in,
            progress=lambda _done, _most: member.made_in.append(len(seen)),
            begun=member,
        )
        return batch.join(run)

    try:
        while any(member.ended is None or member.table for member in members):
            if cancel is not None and cancel():
                raise RunCancelledError(
                    _("The runs were cancelled before their last step."), fix=_("Run them again.")
                )
            for member in _can_join(members, len(seen), kept_in.block):
                member.ended = begin(member)
            batch.step()
            seen.append(_Pool.of(members))
            for member in members:
                if member.ended is not None and member.ended.done():
                    # A run that has failed ends all of them.
                    member.ended.result()
                    if member.kept is not None:
                        member.kept.give_back()
            if progress is not None:
                progress(sum(len(member.made_in) for member in members), n_most)
    except BaseException as error:
        batch.abandon(error)
        raise
    return _recorded(members, seen, kept_in)


@dataclass(frozen=True, eq=False)
class _Pool:
    """Tables and rows of those that hold blocks, after a pass."""

    tables: dict[int, tuple[int, ...]]
    n_rows: dict[int, int]

    @classmethod
    def of(cls, members: Sequence[_Member]) -> _Pool:
        holding = [member for member in members if member.table]
        return cls(
            {member.number: member.table for member in holding},
            {member.number: member.n_there for member in holding},
        )


def _can_join(members: Sequence[_Member], step: int, block: int) -> Iterator[_Member]:
    """Give those that join at a step, and tell each whose rows it begins with.

    Where nobody is under way, time goes on to the next who comes.
    """
    under_way = [member for member in members if member.table]
    waiting = [member for member in members if member.ended is None]
    if waiting and not under_way:
        step = max(step, min(member.joins for member in waiting))
    beginning: list[_Member] = []
    for member in waiting:
        if member.joins > step:
            continue
        there = [(min(member.in_common(one), one.n_there), one) for one in under_way]
        n, source = max(there, key=lambda one: one[0], default=(0, None))
        soon = max((member.in_common(one) for one in beginning), default=0)
        if soon > n and soon >= block:
            # They are being computed in this very step.
            continue
        if n >= block:
            member.source, member.n_rows = source, n
        beginning.append(member)
        yield member


def _recorded(members: Sequence[_Member], seen: Sequence[_Pool], cache: Paged) -> BatchTrace:
    """Return the record of a batch that has ended."""
    runs = [member.ended.result() for member in members if member.ended is not None]
    fed: list[dict[int, int]] = [{} for _pool in seen]
    seconds = [0.0 for _pool in seen]
    for member, run in zip(members, runs, strict=True):
        for number, step in zip(member.made_in, run.steps, strict=True):
            fed[number][member.number] = step.fed.size
            # The pass is the same for all; choosing a token comes to it.
            seconds[number] = max(seconds[number], step.seconds)
    kept = members[0].kept
    assert kept is not None
    return BatchTrace(
        runs=tuple(runs),
        joined=tuple(member.made_in[0] for member in members),
        begun_with=tuple(
            None if member.source is None else member.source.number for member in members
        ),
        steps=tuple(
            BatchStep(one_fed, pool.tables, pool.n_rows, one_seconds)
            for one_fed, pool, one_seconds in zip(fed, seen, seconds, strict=True)
        ),
        block=cache.block,
        block_bytes=kept.tables[0].pool.block_bytes,
    )


def _check(model: LoadedModel, prompts: Sequence[Prompt], cache: Paged) -> None:
    """Refuse what cannot be a batch.

    Raises:
        ModelFamilyError: If the model is no decoder.
        OptionsError: If anything else is not as it must be.
    """
    if not isinstance(prompts, list | tuple) or not 1 <= len(prompts) <= MOST_RUNS:
        raise OptionsError(
            _("A batch is a list of 1 to {most} prompts.").format(most=MOST_RUNS),
            found=_("Found {found!r}.").format(found=prompts)[:200],
            fix=_("Change it and run again."),
        )
    require_decoder(model, _("Only a decoder writes token by token, from one prompt or several."))
    require_whole_sight(model, _("Runs share blocks in models whose layers see the whole text."))
    if not isinstance(cache, Paged):
        raise OptionsError(
            _("The rows of a batch lie in blocks."),
            found=_("Found {found!r}.").format(found=cache)[:200],
            fix=_("Give caches.Paged(), or leave out the cache."),
        )


def _one_each(numbers: int | Sequence[int], n: int) -> list[int]:
    """Return a whole number for each run.

    Raises:
        OptionsError: If there are others than that.
    """
    found = [numbers] * n if isinstance(numbers, int) else [*numbers]
    if len(found) != n or not all(type(one) is int for one in found):
        raise OptionsError(
            _("Each run of a batch has a whole number of its own, or all have the same."),
            found=_("Found {found!r}.").format(found=numbers)[:200],
            fix=_("Change it and run again."),
        )
    return found
