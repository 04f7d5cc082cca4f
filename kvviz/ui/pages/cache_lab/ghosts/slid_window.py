"""A text that a window has slid along, and its rows computed once more from the window alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kvviz.ui.pages.cache_lab.bench import read_tokens
from kvviz.ui.pages.cache_lab.kept_part import KeptPart
from kvviz.ui.work.equal_work import Asker
from kvviz.ui.work.run_settings import RunSettings
from kvviz.ui.work.shown_run import ShownRun

if TYPE_CHECKING:
    from kvviz.engine import GhostRows, LoadedModel
    from kvviz.trace import GenerationTrace


@dataclass(frozen=True, eq=False)
class SlidWindow:
    """What came of a text.

    Attributes:
        shown: The run that read it token by token, as the player shows it.
        ghosts: Its rows beside those that the window alone gives.
        exact: The same with every number in float64.
    """

    shown: ShownRun
    ghosts: GhostRows
    exact: GhostRows


def make(
    model: LoadedModel, asker: Asker, settings: RunSettings, part: KeptPart, text: str
) -> SlidWindow:
    """Let a window slide along a text, in two number formats; for use on a worker thread.

    Args:
        model: A decoder.
        asker: Who waits.
        settings: How the model was asked for.
        part: The window.
        text: The text.

    Raises:
        KvvizError: What the engine raises; `OptionsError` also where nothing falls out.
    """
    from kvviz.engine import ghost_rows, trace_generation
    from kvviz.engine.caches.cache_words import cache_of

    part.check()
    n = len(read_tokens(model, text, 1))
    part.check_beside(n)
    n_done, n_all = 0, 2 * (n + 2 * part.rows)
    found: list[tuple[GenerationTrace, GhostRows]] = []
    for one in (model, model.as_dtype("float64")):
        trace = trace_generation(
            one,
            text,
            first=1,
            max_new_tokens=1,
            cache=cache_of(part.for_engine),
            progress=lambda done, _all, before=n_done: asker.report(before + done, n_all),
            cancel=asker.cancelled,
        )
        n_done += n
        ghosts = ghost_rows(
            one,
            trace,
            progress=lambda done, _all, before=n_done: asker.report(before + done, n_all),
            cancel=asker.cancelled,
        )
        n_done += 2 * part.rows
        found.append((trace, ghosts))
    (trace, ghosts), (_exact, exact) = found
    asked = RunSettings(settings.model, text, 1, device=settings.device, dtype=settings.dtype)
    return SlidWindow(ShownRun(asked, trace), ghosts, exact)
