"""What is raced, and the link that says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from kvviz.trace import BYTES_PER_NUMBER
from kvviz.ui.shell.links import RunSettings, one_of, text_up_to, values_of, whole

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
        device: Where it runs; no part of a link, since it depends on the machine.
    """

    model: str = RunSettings.model
    prompt_tokens: int = 32
    new: int = 96
    batch: int = 1
    repeats: int = 3
    dtype: str = "float32"
    device: str = "auto"

    @property
    def of_model(self) -> RunSettings:
        """How the model is asked for."""
        return RunSettings(model=self.model, device=self.device, dtype=self.dtype)


def parse(parameters: Mapping[str, str], max_new: int) -> tuple[RaceSettings, tuple[str, ...]]:
    """Read a link: settings, and a phrase on each value that could not be used."""
    values, unusable = values_of(
        parameters,
        {
            "model": text_up_to(300),
            "prompt_tokens": whole(1, MOST_PROMPT_TOKENS),
            "new": whole(1, max_new),
            "batch": whole(1, MOST_SEQUENCES),
            "repeats": whole(1, MOST_REPEATS),
            "dtype": one_of(tuple(BYTES_PER_NUMBER)),
        },
    )
    return RaceSettings(**values), unusable


def write(settings: RaceSettings) -> dict[str, str]:
    """Return the parameters that lead back to settings, defaults left out."""
    default = RaceSettings()
    return {
        one.name: str(getattr(settings, one.name))
        for one in fields(settings)
        if one.name != "device" and getattr(settings, one.name) != getattr(default, one.name)
    }
