"""What an experiment shows while its question is open: the run that it begins with.

Nothing of the answer is in it, and it is there from the start: a person sees what is spoken of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvviz.translation import gettext as _
from kvviz.ui.pages.cache_lab import run_player, shown_lives
from kvviz.ui.pages.cache_lab.bench import Bench, read_tokens
from kvviz.ui.pages.cache_lab.kept_part import KeptPart
from kvviz.ui.parts.experiment import Experiment
from kvviz.ui.parts.written_lives import kept_life
from kvviz.ui.work.equal_work import Asker
from kvviz.ui.work.keeping import EVERY_ROW, cache_for
from kvviz.ui.work.run_settings import RunSettings
from kvviz.ui.work.shown_run import ShownRun

if TYPE_CHECKING:
    from kvviz.engine import LoadedModel


def lives(bench: Bench, asked: Experiment, called: str) -> None:
    """Draw the lives of the rows of the plain run, as long as nobody has answered.

    Args:
        bench: The page's bench.
        asked: The experiment.
        called: What the run is called.
    """
    if asked.given is not None:
        return
    shown = _run(bench, EVERY_ROW, bench.settings.new, None)
    with bench.stage:
        shown_lives.draw(bench, [kept_life(called, shown.trace)])


def window(bench: Bench, asked: Experiment, part: KeptPart, *, new: int, slides: bool) -> None:
    """Draw the run whose window lets rows go, as long as nobody has answered.

    Args:
        bench: The page's bench.
        asked: The experiment.
        part: The window.
        new: Tokens that are written.
        slides: Whether the text is read token by token, so that the window slides along it.
    """
    if asked.given is not None:
        return
    part.check()
    shown = _run(bench, part.for_engine, new, 1 if slides else None)
    with bench.stage:
        run_player.draw(
            bench,
            shown,
            _(
                "Here the run is shown that keeps a part of its rows. “{page}” shows one with "
                "every row, and without any."
            ),
        )


def _run(bench: Bench, cache: str, new: int, first: int | None) -> ShownRun:
    about = bench.settings.text, cache, new, first
    return bench.result(bench.run_task("first-sight", about, _("Reading the text"), make))


def make(
    model: LoadedModel,
    asker: Asker,
    settings: RunSettings,
    text: str,
    cache: str,
    new: int,
    first: int | None,
) -> ShownRun:
    """Read a text and go on with it; for use on a worker thread.

    Args:
        model: A decoder.
        asker: Who waits.
        settings: How the model was asked for.
        text: The text.
        cache: How rows are kept, in the words of links.
        new: Tokens to write.
        first: Tokens that are read at once, the others one by one; None for all.

    Raises:
        KvvizError: What the engine raises; `PromptError` and `ContextLengthError` also where the
            text does not suit the page.
    """
    from kvviz.engine import trace_generation

    read_tokens(model, text, new)
    trace = trace_generation(
        model,
        text,
        first=first,
        max_new_tokens=new,
        cache=cache_for(cache),
        progress=asker.report,
        cancel=asker.cancelled,
    )
    asked = RunSettings(settings.model, text, new, device=settings.device, dtype=settings.dtype)
    return ShownRun(asked, trace)
