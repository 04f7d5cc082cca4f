"""Runs of one model that are made together: a pass a step for all of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from contextvars import Context, copy_context
from dataclasses import dataclass
from functools import partial
from threading import Lock

from kvviz.engine.caches.choice import chosen_cache, named_cache
from kvviz.engine.models.loaded_model import LoadedModel
from kvviz.engine.models.threads import ThreadPace, thread_count, wanted_thread_count
from kvviz.engine.running.asked_prompt import Prompt
from kvviz.engine.running.forward_pass import (
    ForwardPass,
    PassResult,
    Run,
    pass_together,
)
from kvviz.engine.running.generation import SMALLER, Cancel, Progress, checked_stops, prepared
from kvviz.engine.running.memory import running
from kvviz.trace import GenerationOptions, GenerationTrace
from kvviz.translation import gettext as _
from kvviz.translation import language, using


@dataclass(slots=True, eq=False)
class _Member:
    """A run of a batch, what it waits for, and where it speaks the language of who wants it."""

    run: Run
    ended: Future[GenerationTrace]
    context: Context
    asked: ForwardPass | None = None


class RunBatch:
    """Runs of one model whose steps are made together.

    A run may join at any time, from any thread, and is taken in at the next step; it leaves when it
    ends, fails or is cancelled, and the others go on. One thread at a time makes the steps.

    Args:
        model: Which all of them run.
    """

    def __init__(self, model: LoadedModel) -> None:
        self._model = model
        self._arrived: deque[_Member] = deque()
        self._going: list[_Member] = []
        self._stepping = Lock()
        # How long a pass of so many rows takes with a thread or with several is found out by trying
        # both: it grows with the runs, and beside busy neighbours threads wait for one another.
        is_fixed = model.device.type != "cpu" or wanted_thread_count() is not None
        self._pace = ThreadPace(model.n_threads, 0.0, is_fixed=is_fixed)

    def join(self, run: Run) -> Future[GenerationTrace]:
        """Let a run take part, and return what its record will be in."""
        member = _Member(_speaking(language(), run), Future(), copy_context())
        self._arrived.append(member)
        return member.ended

    def begin(
        self,
        prompt: Prompt,
        options: GenerationOptions,
        *,
        n_top: int = 10,
        progress: Progress | None = None,
        cancel: Cancel | None = None,
    ) -> Future[GenerationTrace]:
        """Let a run of a prompt take part, and return what its record will be in.

        Args:
            prompt: As for `trace_generation`, like the rest.
            options: How tokens are generated; a cache that drops rows has no name here.
            n_top: See there.
            progress: See there; called by the thread that makes the steps.
            cancel: See there, likewise.

        Raises:
            KvvizError: As `trace_generation`, where the run cannot be made as asked.
        """
        run = prepared(self._model, prompt, options, n_top=n_top, progress=progress, cancel=cancel)
        return self.join(run)

    @property
    def n_runs(self) -> int:
        """Runs that take part, those among them that have not begun."""
        return len(self._going) + len(self._arrived)

    def step(self) -> bool:
        """Make the next step of every run; return whether there was any to make."""
        with self._stepping:
            while self._arrived:
                member = self._arrived.popleft()
                self._going.append(member)
                self._go_on(member, None)
            self._going = [member for member in self._going if not member.ended.done()]
            for members in self._shares():
                self._pass(members)
            self._going = [member for member in self._going if not member.ended.done()]
            return bool(self._going or self._arrived)

    def abandon(self, error: BaseException) -> None:
        """End every run with an error: nobody makes their steps any more."""
        with self._stepping:
            for member in (*self._going, *self._arrived):
                if not member.ended.done():
                    member.context.run(member.run.close)
                    member.ended.set_exception(error)
            self._going.clear()
            self._arrived.clear()

    def _shares(self) -> list[list[_Member]]:
        """Return who shares a pass: all that can, and each of the others by itself."""
        sharing = [one for one in self._going if one.asked is not None and one.asked.can_share]
        others = [[one] for one in self._going if one not in sharing]
        return [*([sharing] if sharing else []), *others]

    def _pass(self, members: Sequence[_Member]) -> None:
        asked = [member.asked for member in members if member.asked is not None]
        try:
            results = running(self._model, lambda: self._passed(asked), fix=_(SMALLER))
        except Exception as error:
            # What it wrote of the rows of each is not known, so that none can go on.
            for member in members:
                member.context.run(member.run.close)
                member.ended.set_exception(error)
            return
        for member, result in zip(members, results, strict=True):
            self._go_on(member, result)

    def _passed(self, asked: Sequence[ForwardPass]) -> list[PassResult]:
        with thread_count(self._pace.n_threads):
            results = pass_together(self._model, asked)
        if all(len(one.fed) == 1 for one in asked):
            self._pace.took(results[0].seconds)
        return results

    def _go_on(self, member: _Member, result: PassResult | None) -> None:
        """Give a run what came of its pass and let it ask for the next; take note if it ends."""
        resume = partial(member.run.send, result)  # pyright: ignore[reportArgumentType]
        try:
            member.asked = member.context.run(lambda: running(self._model, resume, fix=_(SMALLER)))
        except StopIteration as end:
            member.ended.set_result(end.value)
        except Exception as error:
            member.ended.set_exception(error)


def _speaking(name: str, run: Run) -> Run:
    """Let a run say what it has to say in a language; each time it is resumed in one context."""
    with using(name):
        return (yield from run)


def trace_together(
    model: LoadedModel,
    prompts: Sequence[Prompt],
    *,
    max_new_tokens: int = 24,
    use_cache: bool = True,
    temperature: float = 0.0,
    top_k: int | None = None,
    top_p: float | None = None,
    seed: int = 0,
    stop_ids: Sequence[int] = (),
    n_top: int = 10,
) -> list[GenerationTrace]:
    """Generate from several prompts at once and record what every step of each did.

    A step of all of them is one pass, in which the linear layers see the rows of all runs and each
    run attends over its own. Each record is as `trace_generation` would make it, but for the times,
    which are of shared passes, and the last bits of rows and logits, which depend on how many rows
    a product is made of; ``n_together`` says so. Runs of a T5 are made one beside the other, and
    share nothing.

    Args:
        model: As for `trace_generation`, like all but the prompts.
        prompts: A text or a conversation for each run.
        max_new_tokens: See there.
        use_cache: See there.
        temperature: See there.
        top_k: See there.
        top_p: See there.
        seed: See there.
        stop_ids: See there.
        n_top: See there.

    Returns:
        The record of each run, in the order of the prompts.

    Raises:
        KvvizError: As `trace_generation`; none of the runs is returned if one fails.
    """
    chosen = chosen_cache(None, use_cache)
    stops = checked_stops(model, stop_ids)
    named = named_cache(chosen)
    options = GenerationOptions(
        max_new_tokens, use_cache, temperature, top_k, top_p, seed, stops, named
    )
    batch = RunBatch(model)
    runs = [prepared(model, prompt, options, n_top=n_top) for prompt in prompts]
    records = [batch.join(run) for run in runs]
    while batch.step():
        pass
    return [record.result() for record in records]
