"""What a page asks the engine for, done as jobs: one run, or the same run both ways."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from threading import Lock
from time import sleep
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from kvviz.analysis import step_costs
from kvviz.serving.local_runner import LOCAL
from kvviz.serving.run_request import RunRequest
from kvviz.serving.runner import Runner, Watcher, cancelled_early
from kvviz.trace import (
    CacheComparison,
    Conversation,
    GenerationOptions,
    GenerationTrace,
    ModelCard,
    encoding_flops,
)
from kvviz.trace.model_card import Family
from kvviz.translation import gettext as _
from kvviz.ui.shell.environment import Environment
from kvviz.ui.shell.visitor import Visitor
from kvviz.ui.work import branch_run, run_notes
from kvviz.ui.work.admission import Ask
from kvviz.ui.work.equal_work import Asker, EqualWork
from kvviz.ui.work.fitting_models import require_family
from kvviz.ui.work.jobs import Job
from kvviz.ui.work.keeping import EVERY_ROW
from kvviz.ui.work.model_roles import induction_heads
from kvviz.ui.work.model_runner import model_runner
from kvviz.ui.work.model_store import model_key, model_store
from kvviz.ui.work.run_settings import RunSettings
from kvviz.ui.work.run_so_far import RunSoFar
from kvviz.ui.work.run_store import RunStore
from kvviz.ui.work.shown_run import ShownRun
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


PLACES_IN_CROWD = 32
"""Runs of a crowd at a time: what they hold together, and the time of a step, grow with them."""
MOST_BYTES_IN_CROWD = 32 * 2**20
"""Most bytes that the rows of one of them may take: a gigabyte for all."""
MANY = 2
"""So many who wait are worth that a run without the cache that is under way is left for later."""

_equal_runs: EqualWork[ShownRun] = EqualWork()
_making = Lock()
_queues: dict[int, TicketQueue] = {}
_crowd = TicketQueue(PLACES_IN_CROWD)


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


def others_wait(environment: Environment, at_least: int = 1) -> bool:
    """Whether so many stand in the line, or are in the crowd."""
    n_others = queue(environment.concurrency).n_waiting + _crowd.n_inside
    return n_others >= at_least


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
    hurried_is_enough = others_wait(environment)

    def is_enough(run: ShownRun) -> bool:
        return bool(run.comparison) or not (want_both or (run.in_a_hurry and not hurried_is_enough))

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
    load_later_s: float = 0.0,
) -> Job:
    """Start a run and return its job, whose result is a `ShownRun`.

    While others wait a run is made with the cache only, and once: each gets what was asked for
    first, and all of them sooner. Equal runs that wait together are made once. What a run is set
    beside, such as the one that it branches off, is made with it where it is not kept.

    Args:
        settings: What to run.
        environment: The limits of this installation.
        want_both: Whether to run without the cache also when that is not cheap.
        anew: Whether to make it also where an equal one was made meanwhile.
        family: What the model must be.
        as_read: Makes what the model reads of the prompt as typed.
        stops: Names the tokens that end the run, besides the end of a text, from what is read.
        load_later_s: For how long a model that is not loaded waits to be: to import torch and load
            it takes the interpreter from a page that is being drawn.
    """
    line = queue(environment.concurrency)
    # Who comes while others are at it stands in no line: runs of a crowd are made together.
    in_crowd = not (want_both or anew or line.has_room) and fits_into_crowd(settings, family)

    def work(job: Job) -> ShownRun:
        if load_later_s and model_store().peek(settings) is None:
            sleep(load_later_s)
        model = model_store().get(settings)
        require_family(model, family)
        if anew:
            return make(model, job, settings)
        made = made_before(settings, environment, family, want_both=want_both)
        if made is not None:
            return made
        key = (family, settings, want_both, model)
        return _equal_runs.do(key, job, lambda askers: make(model, askers, settings))

    def make(model: LoadedModel, asker: Asker, wanted: RunSettings) -> ShownRun:
        beside = before(model, asker, wanted)
        asked = replace(wanted, prompt=as_read(wanted.prompt))
        n_flops = flops_without_cache(model, asked)
        is_short, is_quiet = n_flops <= BOTH_UP_TO_FLOPS, not others_wait(environment)
        both = want_both or (is_short and is_quiet)
        # What is short is over before it would be worth watching, and is not watched on a machine
        # that takes long for it either: what a page comes to must not depend on that.
        grows = not (is_short or in_crowd)
        n_timings = N_TIMINGS if is_quiet and n_flops <= TIMED_AGAIN_UP_TO_FLOPS else 1
        stop_ids = stops(model, asked.prompt)
        begun = branch_run.begun(asked, beside)
        shown = run(
            model,
            begun.settings,
            asker,
            both=both,
            stop_ids=stop_ids,
            n_timings=n_timings,
            together=in_crowd,
            grows=grows,
            in_haste=lambda: not want_both and others_wait(environment, MANY),
            prompt=begun.prompt,
            prefix=begun.prefix,
            runner=model_runner(environment),
        )
        shown = branch_run.finished(model, replace(shown, settings=wanted), beside)
        if is_short and not both and wanted.cache == EVERY_ROW:
            shown = replace(shown, in_a_hurry=True, note=shown.note or run_notes.hurry_note())
        if not asker.cancelled():
            kept_runs().keep((family, wanted), model, shown)
        return shown

    def before(model: LoadedModel, asker: Asker, wanted: RunSettings) -> ShownRun | None:
        if wanted.beside is None:
            return None
        kept = made_before(wanted.beside, environment, family, want_both=False)
        shown = kept or make(model, asker, wanted.beside)
        if shown.trace.stopped == "cancelled":
            raise cancelled_early()
        return shown

    asks = Ask((settings.typed,), settings.new)
    return Job(work, _crowd if in_crowd else line, asks=asks)


def fits_into_crowd(settings: RunSettings, family: Family) -> bool:
    """Whether a run may share its passes: of a loaded decoder, and with rows that take little."""
    model = model_store().peek(settings)
    if model is None or model.card.architecture != "decoder" or family != "gpt2":
        return False
    if settings.chat or not settings.is_plain:
        # A template adds text of its own. Few write conversations at once, or branch off a run.
        return False
    # A token has a byte at least.
    most_tokens = len(settings.prompt.encode(errors="replace")) + settings.new
    return most_tokens * model.card.cache_bytes_per_token <= MOST_BYTES_IN_CROWD


def flops_without_cache(model: LoadedModel, settings: RunSettings) -> int:
    """Return the FLOPs that a run takes without the cache.

    Raises:
        PromptError: If the prompt is nothing that the model can read.
    """
    if model.card.family == "t5":
        sizes = 1, settings.new, len(model.tokenize_whole(settings.prompt).token_ids)
    else:
        # An empty prompt is refused by the engine, in words of its own.
        sizes = model.count_tokens(settings.asked) or 1, settings.new, 0
    return uncached_flops(model.card, *sizes)


def run(
    model: LoadedModel,
    settings: RunSettings,
    asker: Asker,
    *,
    both: bool,
    stop_ids: tuple[int, ...] = (),
    n_timings: int = 1,
    together: bool = False,
    grows: bool = False,
    in_haste: Callable[[], bool] = lambda: False,
    prompt: str | Conversation | list[int] | None = None,
    prefix: GenerationTrace | None = None,
    runner: Runner = LOCAL,
) -> ShownRun:
    """Run a model as asked, reporting to who waits for it and stopping when nobody does.

    A `prompt` is read in place of the settings', and the rows of `prefix` are taken over. Where
    both ways are run, `n_timings` is how often, for the sake of their times, until it is in haste;
    where not, the run may be made together with others. Where it `grows`, who waits is shown the
    run with the cache while it is made. Another way of keeping rows is run alone.
    """
    heads = induction_heads(model)

    def show(record: GenerationTrace) -> None:
        asker.show(RunSoFar(ShownRun(settings, record, induction_heads=heads)))

    name, device, dtype = model_key(settings)
    asked = settings.asked if prompt is None else prompt
    request = RunRequest(
        name,
        tuple(asked) if isinstance(asked, list) else asked,
        GenerationOptions(
            settings.new,
            temperature=settings.temperature,
            top_k=settings.top_k,
            top_p=settings.top_p,
            seed=settings.seed,
            stop_ids=stop_ids,
        ),
        device,
        dtype,
        settings.cache,
        both=both and settings.cache == EVERY_ROW,
        n_timings=n_timings,
        together=together,
        grows=grows,
        prefix=prefix,
    )
    made = runner.run(model, request, Watcher(asker.report, asker.cancelled, in_haste, show))
    if not isinstance(made, CacheComparison):
        note = run_notes.cancelled_note(made, settings.new) or run_notes.left_out_note(model)
        return ShownRun(settings, made, note=note, induction_heads=heads)
    comparison = made
    if comparison.uncached.stopped == "cancelled":
        trace, left_for_later = comparison.cached, not asker.cancelled()
        note = run_notes.cancelled_note(trace, settings.new) or (
            run_notes.hurry_note()
            if left_for_later
            else _("The run without the cache was cancelled; the one with it is complete.")
        )
        return ShownRun(
            settings, trace, note=note, induction_heads=heads, in_a_hurry=left_for_later
        )
    note = run_notes.parted_note(comparison) or run_notes.left_out_note(model)
    return ShownRun(settings, comparison.cached, comparison, note=note, induction_heads=heads)


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
    """Whether the person sits at the machine that runs the app, by the connection's address.

    Where a proxy stands before the app, and is trusted, by the address that it names.
    """
    if Environment.read().trusted_header:
        return Visitor.here().is_local
    return st.context.ip_address is None
