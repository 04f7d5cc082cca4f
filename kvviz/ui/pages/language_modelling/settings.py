"""What the page on learning from plain text reads, and the link that says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from kvviz.lessons import lessons
from kvviz.ui.shell.links import LinkFields, text_up_to, unusable_anywhere, whole
from kvviz.ui.work.run_settings import (
    LARGEST_SEED,
    LONGEST_MODEL,
    LONGEST_PROMPT,
    RunSettings,
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

    @property
    def is_usual(self) -> bool:
        """Whether it is what a first visit reads."""
        return replace(self, device="auto") == TextSettings()

    def of(self, model: str) -> RunSettings:
        """Return how a model is asked for: in float32, in which losses are compared."""
        return RunSettings(model=model, prompt=self.text, device=self.device, dtype="float32")


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


VIEW_FIELDS = LinkFields(
    TextView(),
    {"seed": whole(0, LARGEST_SEED), "given": whole(1, 9_999), "point": whole(0, 9_999)},
)


def text_fields() -> LinkFields[TextSettings]:
    """Return what of the settings stands in a link; the usual text is of the language."""
    model = text_up_to(LONGEST_MODEL)
    return LinkFields(
        TextSettings(), {"text": text_up_to(LONGEST_TEXT), "model": model, "bert": model}
    )


def parse(parameters: Mapping[str, str]) -> tuple[TextSettings, TextView, tuple[str, ...]]:
    """Read a link: settings and view, and a phrase on each value that could not be used."""
    settings, wrong_settings = text_fields().parse(parameters)
    view, wrong_view = VIEW_FIELDS.parse(parameters)
    return settings, view, (*wrong_settings, *wrong_view, *unusable_anywhere(parameters))


def write(settings: TextSettings, view: TextView) -> dict[str, str]:
    """Return the parameters that lead back to a text and what is looked at in it."""
    return text_fields().write(settings) | VIEW_FIELDS.write(view)
