"""What the page is asked to do, and the link that says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kvviz.translation import N_
from kvviz.ui.pages.bert_vs_gpt2.view import VIEW_FIELDS, TwinsView
from kvviz.ui.shell.links import LinkFields, one_of, text_up_to, whole
from kvviz.ui.work.run_settings import LARGEST_SEED, LONGEST_MODEL

EXPERIMENTS = {
    "look": N_("Look"),
    "append": N_("Append a word"),
    "edit": N_("Edit a word"),
    "masks": N_("Swap the masks"),
    "blank": N_("Fill a blank"),
    "write": N_("Write on"),
    "context": N_("A word in context"),
}
"""What can be done with the text, by its name in links, in the order of the lesson."""

# not for people: words for the models
TEXT = (
    "Lily played with her red ball. It rolled under the bed and she could not find it. She was very"
)
LONGEST_TEXT = 4_000
MOST_NEW = 64
LARGEST_AT = 9_999


@dataclass(frozen=True)
class TwinSettings:
    """One experiment.

    Attributes:
        do: A key of `EXPERIMENTS`.
        text: The text that both models read.
        model: Name of the GPT-2.
        bert: Name of the BERT.
        word: The word to append.
        at: The token to edit, by its position in GPT-2's tokens.
        by: The word to put in its place.
        blank: The token to hide, likewise.
        new: Tokens to write.
        seed: Seed of what is drawn by chance.
        one: First text of the context test.
        other: Second text, which begins alike.
        focus: The token whose vector is looked at, likewise; None for the longest word.
    """

    do: str = "look"
    text: str = TEXT
    model: str = "kvviz/gpt2-mini"
    bert: str = "kvviz/bert-mini"
    word: str = "sad"
    at: int = 5
    by: str = "hat"
    blank: int = 1
    new: int = 20
    seed: int = 0
    one: str = "The kind old man gave him some bread."  # not for people: words for the models
    other: str = "The kind of bread he liked was sweet."  # not for people: likewise
    focus: int | None = None


SETTINGS_FIELDS = LinkFields(
    TwinSettings(),
    {
        "do": one_of(tuple(EXPERIMENTS)),
        "text": text_up_to(LONGEST_TEXT, least=0),
        "model": text_up_to(LONGEST_MODEL),
        "bert": text_up_to(LONGEST_MODEL),
        "word": text_up_to(60, least=0),
        "at": whole(0, LARGEST_AT),
        "by": text_up_to(60, least=0),
        "blank": whole(0, LARGEST_AT),
        "new": whole(1, MOST_NEW),
        "seed": whole(0, LARGEST_SEED),
        "one": text_up_to(LONGEST_TEXT, least=0),
        "other": text_up_to(LONGEST_TEXT, least=0),
        "focus": whole(0, LARGEST_AT),
    },
)


def parse(parameters: Mapping[str, str]) -> tuple[TwinSettings, TwinsView, tuple[str, ...]]:
    """Read a link: experiment and view, and a phrase on each value that could not be used."""
    settings, wrong_settings = SETTINGS_FIELDS.parse(parameters)
    view, wrong_view = VIEW_FIELDS.parse(parameters)
    return settings, view, wrong_settings + wrong_view


def write(settings: TwinSettings, view: TwinsView) -> dict[str, str]:
    """Return the parameters that lead back; models that nobody has named yet are left out."""
    written = SETTINGS_FIELDS.write(settings)
    for name in ("model", "bert"):
        if written.get(name) == "":
            del written[name]
    return written | VIEW_FIELDS.write(view)
