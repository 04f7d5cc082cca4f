"""Lives of rows of the page that no player shows: of runs whose passes write several rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kvviz.translation import gettext as _
from kvviz.ui.pages.cache_lab import settings
from kvviz.ui.pages.cache_lab.bench import Bench
from kvviz.ui.pages.cache_lab.settings import LAST_STEP
from kvviz.ui.parts.view import OUTSIDE
from kvviz.ui.parts.written_lives import WriterLife, written_lives
from kvviz.ui.shell.links import lines_about

KEY = "lab-lives"


def draw(bench: Bench, lives: Sequence[WriterLife], *, shared: str = "") -> None:
    """Draw the lives beside each other, the step in view written into the address.

    Args:
        bench: The page's bench.
        lives: What was seen of the rows of each run.
        shared: What it means that a row is shared, where any is.
    """
    state = bench.state
    n_steps = max(len(one.passes) for one in lives)
    if n_steps <= state.view.step != LAST_STEP:
        phrase = _(OUTSIDE["step"]).format(chosen=state.view.step, last=n_steps - 1)
        state.notes += lines_about([phrase])
        state.view = replace(state.view, step=LAST_STEP)

    def moved(step: int) -> None:
        state.view = replace(state.view, step=step if step < n_steps - 1 else LAST_STEP)
        state.address.write(settings.write(state.settings, state.view))

    shown = None if state.view.step == LAST_STEP else state.view.step
    written_lives(
        lives, key=KEY, step=shown, view_number=state.view_number, on_step=moved, shared=shared
    )
