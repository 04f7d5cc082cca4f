"""What the page on learning from plain text reads, and the link that says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from urllib.parse import quote

from kvviz.lessons import lessons
from kvviz.ui.shell.links import (
    LARGEST_SEED,
    LONGEST_LINK,
    LONGEST_PROMPT,
    RunSettings,
    language_code,
    text_up_to,
    values_of,
    whole,
)

LONGEST_TEXT = LONGEST_PROMPT


@dataclass(frozen=True)
class TextSettings:
    """What is read, and by whom.

    Attributes:
        text: The person's text.
        model: The model that foresees the next token: a bundled name, hub id or folder.
        bert: The model that fills in hidden tokens, likewise.
        device: Where both run; no part of a link, since it depends on the machine.
    """

    text: str = field(default_factory=lambda: lessons().texts[0].text)
    model: str = RunSettings.model
    bert: str = "kvviz/bert-mini"
    device: str = "auto"

    def of(self, model: str) -> RunSettings:
        """Return how a model is asked for."""
        return RunSettings(model=model, prompt=self.text, device=self.device)


@dataclass(frozen=True)
class TextView:
    """What is looked at.

    Attributes:
        seed: Which tokens are hidden from BERT.
        given: Tokens given to the free run; None for the page's own choice.
        point: Point of the training film.
    """

    seed: int = 0
    given: int | None = None
    point: int = 0


READERS = {
    "text": text_up_to(LONGEST_TEXT),
    "model": text_up_to(300),
    "bert": text_up_to(300),
    "seed": whole(0, LARGEST_SEED),
    "given": whole(1, 9_999),
    "point": whole(0, 9_999),
    "lang": language_code(),
}


def parse(parameters: Mapping[str, str]) -> tuple[TextSettings, TextView, tuple[str, ...]]:
    """Read a link: settings and view, and a phrase on each value that could not be used."""
    values, unusable = values_of(parameters, READERS)
    settings = {f.name: values[f.name] for f in fields(TextSettings) if f.name in values}
    view = {f.name: values[f.name] for f in fields(TextView) if f.name in values}
    return TextSettings(**settings), TextView(**view), unusable


def write(settings: TextSettings, view: TextView) -> dict[str, str]:
    """Return the parameters that lead back, defaults left out, as is a text too long for a link."""
    parameters: dict[str, str] = {}
    for value, default in ((settings, TextSettings()), (view, TextView())):
        for entry in fields(value):
            chosen = getattr(value, entry.name)
            if entry.name in READERS and chosen != getattr(default, entry.name):
                parameters[entry.name] = str(chosen)
    if len(quote(settings.text)) > LONGEST_LINK:
        parameters.pop("text", None)
    return parameters
