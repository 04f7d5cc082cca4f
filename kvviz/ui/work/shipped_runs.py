"""Runs that ship: what a page opens with, for a page that shows its point before it has a model.

`python -m kvviz.ui.work.shipped_runs` makes GPT-2's anew with the bundled model, and
`python -m kvviz.ui.pages.encoder_decoder.shipped_run` T5's; do so when a model or the file format
changes.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import kvviz
from kvviz.trace import CacheComparison
from kvviz.trace.storage import open_trace
from kvviz.ui.work.run_settings import RunSettings
from kvviz.ui.work.shown_run import ShownRun

if TYPE_CHECKING:
    from collections.abc import Callable

    from kvviz.engine import LoadedModel

FOLDER = Path(kvviz.__file__).parent / "lessons" / "examples"
GPT2, T5 = "usual-gpt2", "usual-t5"
"""Of what the pages open with: 0.8 MB of files, and 1.2 MB."""


@cache
def shipped_run(name: str) -> ShownRun:
    """Return a run that ships, made both ways.

    Args:
        name: `GPT2` or `T5`.

    Raises:
        TraceFileError: If a file is damaged or of another format.
    """
    facts = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    comparison = CacheComparison(
        cached=open_trace(FOLDER / f"{name}-cached.npz", kind="generation"),
        uncached=open_trace(FOLDER / f"{name}-uncached.npz", kind="generation"),
        logit_differences=np.asarray(facts["logit_differences"]),
    )
    settings = RunSettings(**facts["settings"])
    return ShownRun(settings, comparison.cached, comparison, origin="shipped")


def ships(name: str, wanted: RunSettings) -> bool:
    """Whether a run that ships is what these settings ask for, on whatever device."""
    return wanted == shipped_run(name).settings_at(wanted.device)


def record(
    model: LoadedModel,
    settings: RunSettings,
    as_read: Callable[[str], str] = str,
    stops: Callable[[LoadedModel, str], tuple[int, ...]] = lambda model, text: (),
) -> ShownRun:
    """Make a run both ways, to be shown elsewhere.

    Args:
        model: The model that the settings name.
        settings: A prompt and how many new tokens.
        as_read: Makes what the model reads of the prompt as typed.
        stops: Names the tokens that end the run.
    """
    read = as_read(settings.prompt)
    comparison = kvviz.trace_both(
        model, read, max_new_tokens=settings.new, stop_ids=stops(model, read), n_timings=3
    )
    return ShownRun(settings, comparison.cached, comparison, origin="shipped")


def make(
    name: str,
    settings: RunSettings,
    as_read: Callable[[str], str] = str,
    stops: Callable[[LoadedModel, str], tuple[int, ...]] = lambda model, text: (),
) -> None:
    """Run what a page opens with and store it.

    Args:
        name: `GPT2` or `T5`.
        settings: What to run: a model, a prompt and how many new tokens.
        as_read: Makes what the model reads of the prompt as typed.
        stops: Names the tokens that end the run.
    """
    made = record(kvviz.load_model(settings.model), settings, as_read, stops)
    comparison = made.comparison
    assert comparison is not None
    FOLDER.mkdir(exist_ok=True)
    comparison.cached.save(FOLDER / f"{name}-cached.npz")
    comparison.uncached.save(FOLDER / f"{name}-uncached.npz")
    facts = {
        "settings": {
            "model": settings.model, "prompt": settings.prompt, "new": settings.new,
        },
        "logit_differences": comparison.logit_differences.tolist(),
    }  # fmt: skip
    (FOLDER / f"{name}.json").write_text(json.dumps(facts) + "\n", encoding="utf-8")


if __name__ == "__main__":
    make(GPT2, RunSettings())
