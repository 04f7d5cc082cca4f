"""The page's own text as both models read it, for a page that shows its point before it has models.

`python -m kvviz.ui.pages.language_modelling.recorded_lesson` makes it anew with the bundled models;
do so when a model or the page's text changes.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

import kvviz
from kvviz.analysis.departure import Departure
from kvviz.analysis.losses import LossSummary
from kvviz.analysis.words import Word
from kvviz.trace import ModelCard
from kvviz.ui.pages.language_modelling.readings import (
    FreeRun,
    Reading,
    compare_free,
    given_of,
    read_masked,
    read_next,
)
from kvviz.ui.pages.language_modelling.settings import TextSettings, TextView
from kvviz.ui.work.jobs import result_of

FILE = Path(kvviz.__file__).parent / "lessons" / "examples" / "own-label.json"
DIGITS = 6
"""Of the losses and chances that are stored, from the first that is not 0."""
OF_THIS_TIME = "seconds", "n_passes", "made_with"
"""What of a reading is not stored: it says nothing of the machine on which it is shown."""


@dataclass(frozen=True)
class RecordedLesson:
    """What both models made of the page's own text.

    Attributes:
        reading: The text as the model read it that foresees the next token.
        masked: The text as the other one read it, the tokens hidden that are hidden first.
        free: The free run after the beginning that is given first.
    """

    reading: Reading
    masked: Reading
    free: FreeRun

    def is_of(self, settings: TextSettings) -> bool:
        """Whether this is what these settings ask for, on whatever device."""
        return replace(settings, device=self.reading.settings.device) == self.reading.settings

    def reading_for(self, settings: TextSettings) -> Reading:
        """Return the reading as that of the settings on whose device it was asked for."""
        return replace(self.reading, settings=settings)

    def masked_for(self, reading: Reading, seed: int) -> Reading | None:
        """Return what came of hidden tokens where the reading on screen ships; None if nothing."""
        if not reading.is_recorded or seed != TextView.seed:
            return None
        return replace(self.masked, settings=reading.settings)

    def free_for(self, reading: Reading, n_given: int) -> FreeRun | None:
        """Return the free run where the reading on screen ships; None if it is another one."""
        if not reading.is_recorded or n_given != self.free.found.n_given:
            return None
        return self.free


@cache
def recorded_lesson() -> RecordedLesson:
    """Return what ships."""
    stored = json.loads(FILE.read_text(encoding="utf-8"))
    free, made_with = stored["free"], stored["made_with"]
    n_given, *arrays = free["found"].values()
    true, forced, own = free["tokens"]
    return RecordedLesson(
        reading=_reading(stored["reading"], made_with),
        masked=_reading(stored["masked"], made_with),
        free=FreeRun(
            Departure(n_given, *(np.array(one) for one in arrays)),
            free["given"],
            (true, forced, own),
            free["stopped"],
        ),
    )


def _reading(stored: dict[str, Any], made_with: str) -> Reading:
    return Reading(
        settings=TextSettings(**stored["settings"]),
        card=ModelCard.from_json(stored["card"]),
        columns=stored["columns"],
        summary=LossSummary(**stored["summary"]),
        words=tuple(
            Word(**one | {"positions": tuple(one["positions"])}) for one in stored["words"]
        ),
        n_right=stored["n_right"],
        cuts=tuple(stored["cuts"]),
        made_with=made_with,
    )


def make() -> None:
    """Let both models read the text and one run free, and store what came of it."""
    wanted, view = TextSettings(), TextView()
    reading = result_of(lambda job: read_next(wanted, job))
    masked = result_of(lambda job: read_masked(wanted, view.seed, job))
    free = result_of(lambda job: compare_free(wanted, given_of(reading, view.given), job))
    stored = {
        "made_with": f"torch {version('torch')}",
        "reading": _plain(reading),
        "masked": _plain(masked),
        "free": {
            "found": {name: np.asarray(one).tolist() for name, one in vars(free.found).items()},
            "given": free.given,
            "tokens": free.tokens,
            "stopped": free.stopped,
        },
    }
    FILE.write_text(json.dumps(_rounded(stored), ensure_ascii=False) + "\n", encoding="utf-8")


def _plain(reading: Reading) -> dict[str, Any]:
    """Return what of a reading is the same whenever it is made: all but its time."""
    kept = asdict(reading) | {"card": reading.card.to_json()}
    return {name: one for name, one in kept.items() if name not in OF_THIS_TIME}


def _rounded(data: Any) -> Any:
    if isinstance(data, np.generic):
        return _rounded(data.item())
    if isinstance(data, float):
        return float(f"{data:.{DIGITS}g}")
    if isinstance(data, dict):
        return {name: _rounded(one) for name, one in data.items()}
    return [_rounded(one) for one in data] if isinstance(data, (list, tuple)) else data


if __name__ == "__main__":
    make()
