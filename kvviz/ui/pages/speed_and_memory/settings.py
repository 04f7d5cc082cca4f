"""What is raced, and the link that says so."""

from __future__ import annotations

from dataclasses import dataclass

from kvviz.trace import BYTES_PER_NUMBER
from kvviz.ui.pages.speed_and_memory.race_cache import race_reader
from kvviz.ui.shell.links import LinkFields, one_of, text_up_to, whole
from kvviz.ui.work.keeping import EVERY_ROW
from kvviz.ui.work.run_settings import LONGEST_MODEL, RunSettings

PREFIX = "speed:"
MOST_PROMPT_TOKENS = 100_000
MOST_SEQUENCES = 4_096
MOST_REPEATS = 25


@dataclass(frozen=True)
class RaceSettings:
    """What is raced.

    Attributes:
        model: Bundled name, hub id or folder.
        prompt_tokens: Tokens of each prompt.
        new: Tokens to generate.
        batch: Sequences at the same time.
        repeats: Rounds that count.
        dtype: Number format.
        cache: What the side with the cache keeps, in the words of `race_cache`.
        device: Where it runs; no part of a link, since it depends on the machine.
    """

    model: str = RunSettings.model
    prompt_tokens: int = 32
    new: int = 96
    batch: int = 1
    repeats: int = 3
    dtype: str = "float32"
    cache: str = EVERY_ROW
    device: str = "auto"

    @property
    def of_model(self) -> RunSettings:
        """How the model is asked for."""
        return RunSettings(model=self.model, device=self.device, dtype=self.dtype)


def race_fields(max_new_tokens: int = 1024) -> LinkFields[RaceSettings]:
    """Return what of a race stands in a link, which may ask for so many new tokens."""
    return LinkFields(
        RaceSettings(),
        {
            "model": text_up_to(LONGEST_MODEL),
            "prompt_tokens": whole(1, MOST_PROMPT_TOKENS),
            "new": whole(1, max_new_tokens),
            "batch": whole(1, MOST_SEQUENCES),
            "repeats": whole(1, MOST_REPEATS),
            "dtype": one_of(tuple(BYTES_PER_NUMBER)),
            "cache": race_reader(),
        },
    )
