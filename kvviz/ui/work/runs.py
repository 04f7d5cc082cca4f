"""What a page asks the engine for, done as jobs: one run, or the same run both ways."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Literal

import numpy as np
import streamlit as st

from kvviz.analysis import HeadRole, head_roles, step_costs, telling_head
from kvviz.errors import ModelFamilyError, OptionsError
from kvviz.player.payload import CacheView
from kvviz.trace import CacheComparison, GenerationTrace, ModelCard, encoding_flops
from kvviz.trace.model_card import Family
from kvviz.translation import gettext as _
from kvviz.translation import ngettext
from kvviz.ui.shell.environment import Environment
from kvviz.ui.shell.page_list import title_of
from kvviz.ui.work.jobs import Job
from kvviz.ui.work.model_roles import induction_heads
from kvviz.ui.work.model_store import model_store
from kvviz.ui.work.run_settings import RunSettings
from kvviz.ui.work.run_store import RunStore
from kvviz.ui.work.ticket_queue import TicketQueue

if TYPE_CHECKING:
    from kvviz.engine import LoadedModel

BOTH_UP_TO_FLOPS = 5.0e10
"""Run without the cache as well when that takes no more than this: about 5,000 passes of a token
through GPT-2 mini, a second or two."""

TIMED_AGAIN_UP_TO_FLOPS = BOTH_UP_TO_FLOPS / 10
N_TIMINGS = 3
"""A run that takes a tenth of that, some tenths of a second, is made so often for the sake of its
times. The server's and the browser's own work on the page falls into just this time: on two cores
a run of 35 ms has been seen to take 440."""


@dataclass(frozen=True)
class ShownRun:
    """A run that a page shows.

    Attributes:
        settings: What was asked for.
        trace: The run that figures are read from: the cached one where there is one.
        comparison: Both runs, where both were made.
        origin: ``run`` if it was made here, ``file`` if it was opened.
        note: A line about how it came to be, or nothing.
        induction_heads: Those of the model, found on a probe; empty if the model is not at hand.
        in_a_hurry: Whether the run without the cache was left for later, since others waited.
    """

    settings: RunSettings
    trace: GenerationTrace
    comparison: CacheComparison | None = None
    origin: str = "run"
    note: str = ""
    induction_heads: tuple[HeadRole, ...] = ()
    in_a_hurry: bool = False

    @property
    def subject(self) -> GenerationTrace | CacheComparison:
        """What the player is given."""
        return self.comparison or self.trace

    @property
    def observed(self) -> Literal["measured", "recorded"]:
        """How its numbers came about: here, or elsewhere and kept in a file."""
        return "measured" if self.origin == "run" else "recorded"

    @cached_property
    def roles(self) -> tuple[HeadRole, ...]:
        """Heads that play a role, by the rules of `kvviz.analysis`.

        A head has the role that it plays in this run. One that plays none here, but copied on
        the probe, is an induction head: most texts give it nothing to copy.
        """
        found = (*self.induction_heads, *head_roles(self.trace))
        return tuple({(role.layer, role.head): role for role in found}.values())

    @cached_property
    def opening_head(self) -> tuple[int, int]:
        """Layer and head to look at where none is asked for: one that has something to show."""
        return self.head_to_show(None)

    def head_to_show(self, layer: int | None) -> tuple[int, int]:
        """Return the clearest induction head, where this text repeats itself, else a telling one.

        The heads of a long run are not compared: there it is the one that looks most clearly at the
        previous token, which is the easiest to read, or the first head if no rule finds one.
        """

        def clearest(name: str) -> tuple[int, int] | None:
            found = [
                r for r in head_roles(self.trace) if r.role == name and layer in (None, r.layer)
            ]
            best = max(found, key=lambda role: role.score, default=None)
            return None if best is None else (best.layer, best.head)

        telling = clearest("induction") or telling_head(self.trace, layer)
        return telling or clearest("previous-token") or (layer or 0, 0)

    @property
    def n_steps(self) -> int:
        """Steps that the player shows: those that both runs took."""
        runs = (self.comparison.uncached, self.trace) if self.comparison else (self.trace,)
        return min(len(run.steps) for run in runs)

    @property
    def caches(self) -> tuple[CacheView, ...]:
        """Which of the player's three ways of looking are there without another run."""
        if self.comparison:
            return ("on", "off", "both")
        return ("on",) if self.trace.options.use_cache else ("off",)


_making = Lock()
_queues: dict[int, TicketQueue] = {}


def queue(n_places: int) -> TicketQueue:
    """Return the one line of this process in which runs wait."""
    with _making:
        return _queues.setdefault(n_places, TicketQueue(n_places))


def uncached_flops(card: ModelCard, n_prompt: int, n_new: int, n_encoder: int = 0) -> int:
    """Return the FLOPs of a whole run without the cache, the one pass of a T5's encoder included.

    Args:
        card: The model's shape.
        n_prompt: Rows that the decoder begins with: 1 in a T5, which begins with a start token.
        n_new: Tokens to generate.
        n_encoder: Tokens that the encoder of a T5 reads; 0 in the other families.
    """
    costs = step_costs(card, n_prompt, n_new, use_cache=False, n_encoder=n_encoder)
    read_once = 0
    if n_encoder:
        read_once = encoding_flops(replace(card, n_layers=card.n_encoder_layers), n_encoder)
    return read_once + int(costs.flops.sum())


@st.cache_resource(show_spinner=False)
def kept_runs() -> RunStore[ShownRun]:
    """Return the runs that were made in this process."""
    return RunStore()


def made_before(
    settings: RunSettings, environment: Environment, family: Family, *, want_both: bool
) -> ShownRun | None:
    """Return a run that was made here as these settings ask for it, for whomever, if it is kept.

    Its times are those that were measured when it was made. One that was made in a hurry is enough
    as long as others wait.

    Args:
        settings: What to run.
        environment: The limits of this installation.
        family: What the model must be.
        want_both: Whether it must have been run without the cache as well.
    """
    model = model_store().peek(settings)
    if model is None:
        return None
    others_wait = queue(environment.concurrency).n_waiting > 0

    def is_enough(run: ShownRun) -> bool:
        return bool(run.comparison) or not (want_both or (run.in_a_hurry and not others_wait))

    return kept_runs().find((family, settings), model, is_enough)


def start(
    settings: RunSettings,
    environment: Environment,
    *,
    want_both: bool,
    anew: bool = False,
    family: Family = "gpt2",
    as_read: Callable[[str], str] = str,
    stops: Callable[[LoadedModel, str], tuple[int, ...]] = lambda model, text: (),
) -> Job:
    """Start a run and return its job, whose result is a `ShownRun`.

    While others wait a run is made with the cache only, and once: each gets what was asked for
    first, and all of them sooner. Equal runs that wait together are made once.

    Args:
        settings: What to run.
        environment: The limits of this installation.
        want_both: Whether to run without the cache also when that is not cheap.
        anew: Whether to make it also where an equal one was made meanwhile.
        family: What the model must be.
        as_read: Makes what the model reads of the prompt as typed.
        stops: Names the tokens that end the run, besides the end of a text, from what is read.

    Raises:
        OptionsError: If more new tokens are asked for than this installation allows.
    """
    if not 1 <= settings.new <= environment.max_new_tokens:
        raise OptionsError(
            ngettext(
                "A run here generates {n:,} new token.",
                "A run here generates 1 to {n:,} new tokens.",
                environment.max_new_tokens,
            ).format(n=environment.max_new_tokens),
            found=_("Asked for {n:,}.").format(n=settings.new),
            fix=_("Change the number of new tokens."),
        )

    line = queue(environment.concurrency)

    def work(job: Job) -> ShownRun:
        model = model_store().get(settings)
        require_family(model, family)
        made = None if anew else made_before(settings, environment, family, want_both=want_both)
        if made is not None:
            return made
        asked = replace(settings, prompt=as_read(settings.prompt))
        n_flops = flops_without_cache(model, asked)
        is_short, is_quiet = n_flops <= BOTH_UP_TO_FLOPS, line.n_waiting == 0
        both = want_both or (is_short and is_quiet)
        n_timings = N_TIMINGS if is_quiet and n_flops <= TIMED_AGAIN_UP_TO_FLOPS else 1
        stop_ids = stops(model, asked.prompt)
        shown = run(model, asked, job, both=both, stop_ids=stop_ids, n_timings=n_timings)
        shown = replace(shown, settings=settings)
        if is_short and not both:
            shown = replace(shown, in_a_hurry=True, note=shown.note or _hurry_note())
        if not job.cancelled():
            kept_runs().keep((family, settings), model, shown)
        return shown

    return Job(work, line)


def flops_without_cache(model: LoadedModel, settings: RunSettings) -> int:
    """Return the FLOPs that a run takes without the cache.

    Raises:
        PromptError: If the prompt is nothing that the model can read.
    """
    if model.card.family == "t5":
        sizes = 1, settings.new, len(model.tokenize_whole(settings.prompt).token_ids)
    else:
        # An empty prompt is refused by the engine, in words of its own.
        sizes = len(model.tokenize(settings.prompt)) or 1, settings.new, 0
    return uncached_flops(model.card, *sizes)


def require_family(model: LoadedModel, family: Family) -> None:
    """Refuse a model that another page is for.

    Raises:
        ModelFamilyError: If it is of another family.
    """
    found = model.card.family
    if found == family:
        return
    if found == "bert":
        raise ModelFamilyError(
            _("A BERT does not write token by token, and keeps no KV cache."),
            found=_(
                "{model} is a BERT: every position sees every other, so that one more token "
                "changes the rows of all before it."
            ).format(model=model.card.name),
            fix=_("Choose another model, or open the page “{page}” to watch one read.").format(
                page=title_of("bert_vs_gpt2")
            ),
        )
    wants = {
        "gpt2": _("This page is for a GPT-2, which has one cache."),
        "t5": _("This page is for a T5, which has two caches."),
    }
    place = {"gpt2": "kv_cache", "t5": "encoder_decoder"}
    raise ModelFamilyError(
        wants[family],
        found=_("{model} is a {family}.").format(model=model.card.name, family=model.family.title),
        fix=_("Choose another model, or open the page “{page}” for this one.").format(
            page=title_of(place[found])
        ),
    )


def run(
    model: LoadedModel,
    settings: RunSettings,
    job: Job,
    *,
    both: bool,
    stop_ids: tuple[int, ...] = (),
    n_timings: int = 1,
) -> ShownRun:
    """Run a model as asked, reporting to the job and stopping when it is cancelled.

    Where both ways are run, `n_timings` is how often, for the sake of their times.
    """
    from kvviz.engine import trace_both, trace_generation

    options = {
        "max_new_tokens": settings.new,
        "temperature": settings.temperature,
        "top_k": settings.top_k,
        "top_p": settings.top_p,
        "seed": settings.seed,
        "stop_ids": stop_ids,
        "progress": job.report,
    }
    heads = induction_heads(model)
    if not both:
        trace = trace_generation(model, settings.prompt, **options, cancel=job.cancelled)
        note = _cancelled_note(trace, settings.new) or _left_out_note(model)
        return ShownRun(settings, trace, note=note, induction_heads=heads)
    comparison = trace_both(
        model, settings.prompt, **options, n_timings=n_timings, cancel=job.cancelled
    )
    if comparison.uncached.stopped == "cancelled":
        trace = comparison.cached
        note = _cancelled_note(trace, settings.new) or (
            _("The run without the cache was cancelled; the one with it is complete.")
        )
        return ShownRun(settings, trace, note=note, induction_heads=heads)
    note = _parted_note(comparison) or _left_out_note(model)
    return ShownRun(settings, comparison.cached, comparison, note=note, induction_heads=heads)


def _parted_note(comparison: CacheComparison) -> str:
    """Say what is left out where the tokens of both runs part and one of them ends early."""
    cached, uncached = len(comparison.cached.steps), len(comparison.uncached.steps)
    if cached == uncached:
        return ""
    common = min(cached, uncached)
    took = ngettext(
        "The run with the cache took {cached:,} step, the one without {uncached:,}, since their "
        "tokens part.",
        "The run with the cache took {cached:,} steps, the one without {uncached:,}, since their "
        "tokens part.",
        cached,
    ).format(cached=cached, uncached=uncached)
    both = ngettext(
        "The player shows the one step that both took.",
        "The player shows the {n:,} steps that both took.",
        common,
    ).format(n=common)
    return f"{took} {both}"


def _hurry_note() -> str:
    return _(
        "Others were waiting, so this run was made with the cache only: its rows, tokens and FLOPs "
        "are all there, and what it would take without is by formula. Press Without or Side by "
        "side to make that run too."
    )


def _left_out_note(model: LoadedModel) -> str:
    """Say which heads of the checkpoint were not loaded."""
    if not model.left_out:
        return ""
    heads = ", ".join(model.left_out)
    return _("{model} was loaded without its parts for other tasks: {heads}.").format(
        model=model.card.name, heads=heads
    )


def _cancelled_note(trace: GenerationTrace, n_new: int) -> str:
    if trace.stopped != "cancelled":
        return ""
    n_steps = len(trace.steps)
    return ngettext(
        "Cancelled: here is the {n:,} step that was done, of {all:,}.",
        "Cancelled: here are the {n:,} steps that were done, of {all:,}.",
        n_steps,
    ).format(n=n_steps, all=n_new)


def changed_rows(
    before: GenerationTrace, after: GenerationTrace, n_rows: int
) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Return which of the first rows differ in any bit of their keys or values.

    Returns:
        Booleans, shape (n_layers, n_rows).
    """
    differs = np.zeros((before.model.n_layers, n_rows), dtype=bool)
    for name in ("all_keys", "all_values"):
        first = np.ascontiguousarray(getattr(before, name)[:, :, :n_rows]).view(np.int32)
        second = np.ascontiguousarray(getattr(after, name)[:, :, :n_rows]).view(np.int32)
        differs |= (first != second).any(axis=(1, 3))
    return differs


def is_local_visitor() -> bool:
    """Whether the person sits at the machine that runs the app, by the connection's address."""
    return st.context.ip_address is None
