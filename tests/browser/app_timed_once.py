"""`streamlit run app.py`, but nothing is made again for the sake of its times.

What is short is run three times for a visitor, and a short text read eight times. No test in a
browser looks at those times, and all that work would fall on the cores that draw the page. The app
as it ships is opened by `test_installed_package.py`, and the times are a matter of `tests/pages`.

With ``PRELOAD=no`` in its environment no model is loaded before somebody runs one: a test that runs
none saves the importing of torch.

A model whose name ends in `SLOW` takes its time, as a large one does: tests see its runs grow.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

from streamlit.web.cli import main

from kvviz.ui.pages.language_modelling import readings
from kvviz.ui.work import preload, runs

SLOW = "-slow"
STEP_S = 0.08
HELD_FROM = 6
"""Steps from which on a run of a slow model, once it was shown, waits for a file `GO_ON` in its
folder."""
GO_ON = "go-on"
PATIENCE_S = 60


class Slowly:
    """Who waits for a run, and keeps it waiting after each step."""

    def __init__(self, asker: Any, folder: Path) -> None:
        self._asker, self._go_on = asker, folder / GO_ON
        self._step = 0
        self.cancelled = asker.cancelled

    def report(self, step: int, n_steps: int) -> None:
        """Pass on how far it is, and wait."""
        self._step = step
        self._asker.report(step, n_steps)
        time.sleep(STEP_S)

    def show(self, so_far: Any) -> None:
        """Pass on what there is of it, and wait for the file."""
        self._asker.show(so_far)
        until = time.monotonic() + PATIENCE_S
        is_held = self._step >= HELD_FROM
        while is_held and not self._go_on.exists() and time.monotonic() < until:
            time.sleep(STEP_S)
            if self.cancelled():
                return


def slowed(run: Any) -> Any:
    """Return what runs models as `runs.run` does, but the slow ones slowly, and to be seen."""

    def running(model: Any, settings: Any, asker: Any, **options: Any) -> Any:
        if not settings.model.endswith(SLOW):
            return run(model, settings, asker, **options)
        slowly = Slowly(asker, Path(settings.model))
        return run(model, settings, slowly, **options | {"grows": True, "both": False})

    return running


if __name__ == "__main__":
    runs.N_TIMINGS = readings.MOST_PASSES = 1
    runs.run = slowed(runs.run)
    if os.environ.get("PRELOAD") == "no":
        preload._once.acquire()
    sys.argv = ["streamlit", "run", "app.py", *sys.argv[1:]]
    main()
