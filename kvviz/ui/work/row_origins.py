"""How the rows of a head came about, asked of the model that made a run."""

from __future__ import annotations

import logging

from kvviz.errors import KvvizError
from kvviz.player.head_origin import Answer, OriginAsked, n_bytes_of
from kvviz.trace import GenerationTrace
from kvviz.trace.head_origin import HeadOrigin
from kvviz.trace.model_card import Family
from kvviz.translation import gettext as _
from kvviz.ui.shell.environment import Environment
from kvviz.ui.work.admission import Ask
from kvviz.ui.work.jobs import Job
from kvviz.ui.work.model_names import bundled_models
from kvviz.ui.work.model_store import model_store
from kvviz.ui.work.runs import queue
from kvviz.ui.work.shown_run import ShownRun

log = logging.getLogger(__name__)

WRITERS: tuple[Family, ...] = ("gpt2", "llama", "t5")
MOST_SECONDS = 60.0
"""How long is waited for an answer, a place in the line included: a pass over 1,024 tokens of a
GPT-2 takes a few seconds."""


MOST_BYTES_IN_A_FILE = 8 * 2**20
"""Numbers of this kind cannot be packed tighter, and a file is passed on."""


def answer(shown: ShownRun, asked: OriginAsked) -> Answer:
    """Return what a head's rows were made of, or a sentence that says why that is not known.

    The model of a run that was made here is loaded again if it has to be. That of a run from a file
    is not, unless it comes with kvviz: a file may name any model.
    """
    run = run_of(shown, asked)
    model = model_store().peek(shown.settings)
    ours = any(shown.settings.model in bundled_models(family) for family in WRITERS)
    if model is None and shown.origin != "run" and not ours:
        return _(
            "This run comes from a file, and the model that made it is not loaded. Run its prompt "
            "here, and ask again."
        )

    def work(job: Job) -> HeadOrigin:
        from kvviz.engine import head_origin

        read_by = model_store().get(shown.settings)
        job.report(0, 1)
        return head_origin(
            read_by, run, asked.layer, asked.head, cross=asked.cross, cancel=job.cancelled
        )

    job = Job(work, queue(Environment.read().concurrency), asks=Ask((run.prompt,)))
    if not job.wait(MOST_SECONDS):
        job.cancel()
        return _("The model had no time for this question. Close it, and ask again.")
    if isinstance(job.error, KvvizError):
        return f"{job.error}"
    if job.error is not None:
        log.error("How a row came about could not be told.", exc_info=job.error)
        return _("The model could not be asked. Run the prompt again.")
    return job.result


def run_of(shown: ShownRun, asked: OriginAsked) -> GenerationTrace:
    """Return the run that is asked about, with the cache or without."""
    if shown.comparison is not None and asked.cache == "off":
        return shown.comparison.uncached
    return shown.trace


def at_hand(shown: ShownRun, layer: int, head: int) -> dict[OriginAsked, Answer]:
    """Return what a file can carry of a head, if the model is loaded; nothing if it is not.

    Returns:
        Of a T5 the head's own attention and its cross-attention.
    """
    if model_store().peek(shown.settings) is None:
        return {}
    cache = "on" if shown.trace.options.use_cache else "off"
    crosses = (False,) if shown.trace.cross is None else (False, True)
    asked = [OriginAsked(layer, head, cross, cache) for cross in crosses]
    answers = {one: answer(shown, one) for one in asked}
    return {
        one: found
        for one, found in answers.items()
        if not isinstance(found, str) and n_bytes_of(found) <= MOST_BYTES_IN_A_FILE
    }
