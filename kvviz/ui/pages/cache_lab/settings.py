"""What the page is asked to do, and the link that says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from kvviz.translation import N_
from kvviz.ui.pages.cache_lab.cut import Cut, cut_reader
from kvviz.ui.pages.cache_lab.kept_part import KeptPart, part_reader
from kvviz.ui.pages.cache_lab.packing import Packing, packing_reader
from kvviz.ui.parts.view import VIEW_FIELDS, View
from kvviz.ui.shell.links import LinkFields, Reader, one_of, text_up_to, unusable_anywhere, whole
from kvviz.ui.work.run_settings import LONGEST_MODEL, RunSettings

EXPERIMENTS = {
    "keep": N_("Keep a part"),
    "budgets": N_("Loss against budget"),
    "sinks": N_("Sinks"),
    "needle": N_("Fluent, and forgetful"),
    "bits": N_("Fewer bits"),
    "surgery": N_("Surgery"),
    "share": N_("Share a beginning"),
    "many": N_("Many at once"),
}
"""What can be done, by its name in links, in the order of the lesson."""

# not for people: words for the models
TEXT = (
    "Mia lived in a small house near the sea. One day she found a big shell with a tiny crab in "
    "it. The crab was sad, because the shell was too heavy for him. Mia put the crab into her "
    "bucket and"
)
OTHER = TEXT.replace("a big shell", "a big box")
"""A text that begins as `TEXT` does."""
# not for people: words for the models
PROMPTS = """\
Mia lived in a small house near the sea with her cat. One day she found a big shell. She took it to
Tom and Ann went to the park. They saw a dog that
Mia lived in a small house near the sea with her cat. One day she found a boat. It was red, and
Once upon a time
Mia lived in a small house near the sea with her cat. One day she found a big shell. The crab in"""
"""Prompts of which some begin alike, one a line."""
APART = (0, 2, 4, 8)
"""Steps after which the next of several prompts comes."""
LONGEST_TEXT = 6_000
MOST_NEW = 64
LENGTHS = (128, 256, 448)
"""Tokens of the held-out text that are read here."""


USUAL_PART = KeptPart("window", 16, 4)
USUAL_BITS = Packing()
USUAL_CUT = Cut()


@dataclass(frozen=True)
class LabSettings:
    """One experiment.

    Attributes:
        do: A key of `EXPERIMENTS`.
        text: The text that is read and gone on with.
        model: Name of the decoder.
        cache: Which rows are kept.
        new: Tokens to write.
        tokens: Tokens of the text that ships, where that is read here.
        bits: How rows are packed, where they are.
        cut: What is done to rows, where they are changed.
        other: The text that shares its beginning with the first.
        prompts: Those that are run at once, one a line.
        apart: Steps after which the next of them comes.
        run: Which of them is looked at, from 1 on; 0 for one that shares its beginning.
    """

    do: str = "keep"
    text: str = TEXT
    model: str = RunSettings.model
    cache: KeptPart = USUAL_PART
    new: int = 16
    tokens: int = LENGTHS[0]
    bits: Packing = USUAL_BITS
    cut: Cut = USUAL_CUT
    other: str = OTHER
    prompts: str = PROMPTS
    apart: int = 2
    run: int = 0


def _one_of(numbers: tuple[int, ...]) -> Reader:
    """Return a reader of one of some numbers."""
    words = one_of(tuple(map(str, numbers)))
    return replace(words, read=lambda text: int(words.read(text)))


SETTINGS_FIELDS = LinkFields(
    LabSettings(),
    {
        "do": one_of(tuple(EXPERIMENTS)),
        "text": text_up_to(LONGEST_TEXT, least=0),
        "model": text_up_to(LONGEST_MODEL),
        "cache": part_reader(),
        "new": whole(1, MOST_NEW),
        "tokens": _one_of(LENGTHS),
        "bits": packing_reader(),
        "cut": cut_reader(),
        "other": text_up_to(LONGEST_TEXT, least=0),
        "prompts": text_up_to(LONGEST_TEXT, least=0),
        "apart": _one_of(APART),
        "run": whole(0, 8),
    },
)

USUAL_VIEW = View(step=8)
"""A step of the usual run at which most of its first rows are gone."""


def usual_view(do: str) -> View:
    """Return what is looked at first: of rows that are shared, the step that takes them over."""
    return replace(USUAL_VIEW, step=0) if do in ("share", "many") else USUAL_VIEW


def view_fields(do: str) -> LinkFields[View]:
    """Return how a link says what is looked at; here `cache` says which rows are kept."""
    readers = {name: read for name, read in VIEW_FIELDS.readers.items() if name != "cache"}
    return LinkFields(usual_view(do), readers)


def parse(parameters: Mapping[str, str]) -> tuple[LabSettings, View, tuple[str, ...]]:
    """Read a link: experiment and view, and a phrase on each value that could not be used."""
    settings, wrong = SETTINGS_FIELDS.parse(parameters)
    view, wrong_view = view_fields(settings.do).parse(parameters)
    return settings, view, (*wrong, *wrong_view, *unusable_anywhere(parameters))


def write(settings: LabSettings, view: View) -> dict[str, str]:
    """Return the parameters that lead back; a model that nobody has named yet is left out."""
    written = SETTINGS_FIELDS.write(settings)
    if written.get("model") == "":
        del written["model"]
    return written | view_fields(settings.do).write(view)
