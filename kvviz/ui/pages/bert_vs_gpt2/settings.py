"""What the page is asked to do, and the link that says it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any
from urllib.parse import quote

from kvviz.ui.pages.bert_vs_gpt2.patterns import LOOKS, HeadView
from kvviz.ui.shell import links

EXPERIMENTS = {
    "look": "Look",
    "append": "Append a word",
    "edit": "Edit a word",
    "masks": "Swap the masks",
    "blank": "Fill a blank",
    "write": "Write on",
    "context": "A word in context",
}
"""What can be done with the text, by its name in links, in the order of the lesson."""

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
    one: str = "The kind old man gave him some bread."
    other: str = "The kind of bread he liked was sweet."
    focus: int | None = None


def readers() -> dict[str, Callable[[str], Any]]:
    """Return the reader of each of the page's query parameters."""
    return {
        "do": links.one_of(tuple(EXPERIMENTS)),
        "text": links.text_up_to(LONGEST_TEXT, least=0),
        "model": links.text_up_to(300),
        "bert": links.text_up_to(300),
        "word": links.text_up_to(60, least=0),
        "at": links.whole(0, LARGEST_AT),
        "by": links.text_up_to(60, least=0),
        "blank": links.whole(0, LARGEST_AT),
        "new": links.whole(1, MOST_NEW),
        "seed": links.whole(0, links.LARGEST_SEED),
        "one": links.text_up_to(LONGEST_TEXT, least=0),
        "other": links.text_up_to(LONGEST_TEXT, least=0),
        "focus": links.whole(0, LARGEST_AT),
        "layer": links.whole(0, 9_999),
        "head": links.whole(0, 9_999),
        "look": links.one_of(LOOKS),
    }


def parse(parameters: Mapping[str, str]) -> tuple[TwinSettings, HeadView, str]:
    """Read a link.

    Returns:
        The experiment, the head to look at, and one friendly line about what could not be used.
    """
    values, unusable = links.values_of(parameters, readers())
    view = {name: values.pop(name) for name in ("layer", "head", "look") if name in values}
    return TwinSettings(**values), HeadView(**view), links.line_about(unusable)


def write(settings: TwinSettings, view: HeadView) -> dict[str, str]:
    """Return the query parameters that lead back to an experiment and a head, defaults left out.

    Texts too long for an address bar are left out as well, and models that nobody has named yet.
    """
    parameters: dict[str, str] = {}
    for value, usual in ((settings, TwinSettings()), (view, HeadView())):
        for entry in fields(value):
            chosen = getattr(value, entry.name)
            if chosen != getattr(usual, entry.name):
                parameters[entry.name] = str(chosen)
    return {
        name: text
        for name, text in parameters.items()
        if len(quote(text)) <= links.LONGEST_LINK and (text or name not in ("model", "bert"))
    }
