"""The run that the start page shows before any model is loaded.

`python -m kvviz.ui.pages.start.stored_example` makes it anew with the bundled model; do so when
the model or the file format changes.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np

import kvviz
from kvviz.trace import CacheComparison
from kvviz.trace.storage import open_trace
from kvviz.ui.work.run_settings import RunSettings
from kvviz.ui.work.shown_run import ShownRun

FOLDER = Path(kvviz.__file__).parent / "lessons" / "examples"
SETTINGS = RunSettings(new=12)


@cache
def stored_example() -> ShownRun:
    """Return the stored run, made both ways.

    Raises:
        TraceFileError: If a file is damaged or of another format.
    """
    differences = json.loads((FOLDER / "start.json").read_text(encoding="utf-8"))
    comparison = CacheComparison(
        cached=open_trace(FOLDER / "start-cached.npz", kind="generation"),
        uncached=open_trace(FOLDER / "start-uncached.npz", kind="generation"),
        logit_differences=np.asarray(differences["logit_differences"]),
    )
    return ShownRun(SETTINGS, comparison.cached, comparison, origin="file")


def make() -> None:
    """Run the example and store it."""
    model = kvviz.load_model(SETTINGS.model)
    comparison = kvviz.trace_both(model, SETTINGS.prompt, max_new_tokens=SETTINGS.new)
    FOLDER.mkdir(exist_ok=True)
    comparison.cached.save(FOLDER / "start-cached.npz")
    comparison.uncached.save(FOLDER / "start-uncached.npz")
    differences = {"logit_differences": comparison.logit_differences.tolist()}
    (FOLDER / "start.json").write_text(json.dumps(differences) + "\n", encoding="utf-8")


if __name__ == "__main__":
    make()
