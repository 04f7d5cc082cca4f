"""A race that was run elsewhere and ships, so that the page shows its point before anybody races.

`python -m kvviz.ui.pages.speed_and_memory.recorded_race` runs it anew and stores it, on a machine
that does nothing else meanwhile.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np

import kvviz
from kvviz.analysis.speed_up import SpeedUps, speed_ups
from kvviz.figures.speed_up_curve import RecordedSpeedUps
from kvviz.ui.pages.speed_and_memory.settings import RaceSettings

FILE = Path(kvviz.__file__).parent / "lessons" / "examples" / "race.json"
REPEATS = 9


@cache
def recorded_race() -> RecordedSpeedUps:
    """Return the speed-ups of that race, and on what machine it was run."""
    stored = json.loads(FILE.read_text(encoding="utf-8"))
    ups = SpeedUps(
        np.arange(1, len(stored["median"]) + 1),
        *(np.array(stored[name]) for name in ("median", "low", "high")),
    )
    return RecordedSpeedUps(ups, stored["processor"], stored["threads"], stored["torch"])


def make() -> None:
    """Race as the page does on a first visit, with more repeats, and store what it came to."""
    from kvviz.engine.timing.race import race

    wanted = RaceSettings()
    found = race(
        kvviz.load_model(wanted.model),
        n_prompt=wanted.prompt_tokens,
        n_new=wanted.new,
        batch=wanted.batch,
        repeats=REPEATS,
    )
    ups, facts = speed_ups(found), found.environment
    stored = {
        **{name: facts[name] for name in ("processor", "threads", "torch")},
        "model": found.model.name,
        "n_prompt": found.n_prompt,
        "n_repeats": found.n_repeats,
        **{name: np.round(getattr(ups, name), 4).tolist() for name in ("median", "low", "high")},
    }
    FILE.write_text(json.dumps(stored) + "\n", encoding="utf-8")


if __name__ == "__main__":
    make()
