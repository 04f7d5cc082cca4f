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
    "guess": N_("Guess and take back"),
    "ghosts": N_("Ghosts"),
    "places": N_("Positions"),
    "beams": N_("Write four at once"),
    "numbers": N_("Fewer numbers"),
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
# not for people: words for the models
SAYS_AGAIN = (
    "The cat sat on the mat. The dog sat on the mat. The cat saw the dog, and the dog saw the "
    "cat. Then the cat sat on the dog, and the dog sat on the mat. The cat sat on"
)
"""A text whose words can be looked up in it."""
LONGEST_TEXT = 6_000
MOST_NEW = 64
MOST_GUESSES = 8
MOST_BEAMS = 8
LOOKUP = "lookup"
"""Who guesses where the text itself does; else it is a model's name."""
LAST_STEP = 99_999
"""The last step of lives, however many there are."""
LENGTHS = (128, 256, 448)
"""Tokens of the held-out text that are read here."""


SIXTEENTHS = (8, 6, 4, 3, 2)
"""Shares of a position's numbers that are kept, in sixteenths, most first."""
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
        draft: Who guesses tokens, `LOOKUP` or a model's name.
        guesses: Most tokens that are guessed before a pass.
        beams: How many texts go on together.
        sixteenths: How many of sixteen parts of a position's numbers are kept.
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
    draft: str = LOOKUP
    guesses: int = 4
    beams: int = 4
    sixteenths: int = 4


def _among(numbers: tuple[int, ...]) -> Reader:
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
        "tokens": _among(LENGTHS),
        "bits": packing_reader(),
        "cut": cut_reader(),
        "other": text_up_to(LONGEST_TEXT, least=0),
        "prompts": text_up_to(LONGEST_TEXT, least=0),
        "apart": _among(APART),
        "run": whole(0, 8),
        "draft": text_up_to(LONGEST_MODEL),
        "guesses": whole(1, MOST_GUESSES),
        "beams": whole(2, MOST_BEAMS),
        "sixteenths": _among(SIXTEENTHS),
    },
)

OF_A_TEXT = ("keep", "bits", "surgery", "guess", "ghosts", "places", "beams", "numbers")
"""Experiments that go by a text of one's own."""


def texts_of(do: str) -> tuple[str, ...]:
    """Return the settings that hold the texts of an experiment; none where stories are read."""
    of_others = {"many": ("prompts",), "share": ("text", "other", "prompts")}
    return of_others.get(do, ("text",) if do in OF_A_TEXT else ())


_FIRST_LOOK = {
    "share": 0,
    "many": 0,
    "guess": LAST_STEP,
    "ghosts": LAST_STEP,
    "places": LAST_STEP,
    "beams": LAST_STEP,
    "numbers": LAST_STEP,
}
USUAL_VIEW = View(step=8)
"""A step of the usual run at which most of its first rows are gone."""


def usual_view(do: str) -> View:
    """Return what is looked at first: of rows that are shared, the step that takes them over.

    Where lives are the picture it is the last step, so that all of them is in full colour.
    """
    return replace(USUAL_VIEW, step=_FIRST_LOOK.get(do, USUAL_VIEW.step))


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
