"""Read the lessons of a language from their files and check them.

A language is a folder of TOML files. Every fact has its source beside it; the loader refuses a
file with a missing, misspelt or empty entry, so that a gap is found by the first test and not by a
reader.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from kvviz.errors import KvvizError
from kvviz.translation import ENGLISH, PSEUDO, language, pseudo
from kvviz.translation import gettext as _

HERE = Path(__file__).parent


class LessonError(KvvizError):
    """A file of lessons does not hold what it should."""


@dataclass(frozen=True)
class Prompt:
    """An example prompt: its name in the list, its text, and what it lets one see."""

    name: str
    text: str
    shows: str


@dataclass(frozen=True)
class Term:
    """A word of the field, in a sentence or two, and where it comes from."""

    word: str
    meaning: str
    source: str


@dataclass(frozen=True)
class Caption:
    """A short text of a page, known by its id, and the source of what it states."""

    id: str
    text: str
    source: str = ""


@dataclass(frozen=True)
class Question:
    """A question to answer before the page answers it by running the model.

    What came out stands in the braces of `told`; empty where the page words it by itself.
    """

    id: str
    ask: str
    why: str
    source: str
    told: str = ""


@dataclass(frozen=True)
class GuideEntry:
    """A question that brings people here, and the page and link parameters that answer it."""

    page: str
    question: str
    answer: str
    query: str = ""


@dataclass(frozen=True)
class Gap:
    """A sentence with a word taken out, as the training film asks about it."""

    before: str
    word: str
    after: str


@dataclass(frozen=True)
class Lessons:
    """All lessons of one language."""

    prompts: tuple[Prompt, ...]
    texts: tuple[Prompt, ...]
    inputs: tuple[Prompt, ...]
    gaps: tuple[Gap, ...]
    terms: tuple[Term, ...]
    captions: dict[str, Caption]
    questions: dict[str, Question]
    page_guide: tuple[GuideEntry, ...]

    def caption(self, name: str) -> Caption:
        """Return a caption by its id.

        Raises:
            LessonError: If there is none.
        """
        return _named(self.captions, name, _("There is no caption {name!r}."))

    def question(self, name: str) -> Question:
        """Return a question by its id.

        Raises:
            LessonError: If there is none.
        """
        return _named(self.questions, name, _("There is no question {name!r}."))

    def term(self, word: str) -> Term:
        """Return a glossary entry by its word.

        Raises:
            LessonError: If there is none.
        """
        known = {term.word: term for term in self.terms}
        return _named(known, word, _("There is no glossary entry {name!r}."))


T = TypeVar("T", Prompt, Gap, Term, Caption, Question, GuideEntry)


_NOT_TRANSLATED: dict[type, tuple[str, ...]] = {
    Prompt: ("text",),
    Gap: ("before", "word", "after"),
    Caption: ("id",),
    Question: ("id",),
    GuideEntry: ("page", "query"),
}
"""What a model reads, and what entries are known by."""


def lessons(name: str | None = None) -> Lessons:
    """Return the lessons of a language, that of the present context if none is named.

    Those of the pseudo-language are made of the English ones.

    Raises:
        LessonError: If there are none, or a file does not hold what it should.
    """
    return _lessons(name or language())


@cache
def _lessons(name: str) -> Lessons:
    folder = HERE / (ENGLISH if name == PSEUDO else name)
    say = pseudo if name == PSEUDO else str
    return Lessons(
        prompts=_entries(folder / "prompts.toml", Prompt, say),
        texts=_entries(folder / "texts.toml", Prompt, say),
        inputs=_entries(folder / "inputs.toml", Prompt, say),
        gaps=_entries(folder / "film.toml", Gap, say),
        terms=_entries(folder / "glossary.toml", Term, say),
        captions={one.id: one for one in _entries(folder / "captions.toml", Caption, say)},
        questions={one.id: one for one in _entries(folder / "questions.toml", Question, say)},
        page_guide=_entries(folder / "page_guide.toml", GuideEntry, say),
    )


def tables(path: Path, word: str) -> list[dict[str, Any]]:
    """Read the `[[word]]` tables of a file that holds nothing else.

    Raises:
        LessonError: If it cannot be read or holds something else.
    """
    try:
        data: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise LessonError(
            _("{file} cannot be read.").format(file=path.name), found=str(error)
        ) from error
    if set(data) != {word}:
        raise LessonError(
            _("{file} holds [[{word}]] tables and nothing else.").format(file=path.name, word=word)
        )
    return data[word]


def _entries(path: Path, kind: type[T], say: Callable[[str], str] = str) -> tuple[T, ...]:
    """Read the `[[entry]]` tables of a file, at least one, each with the fields of its kind."""
    known = {one.name: one for one in fields(kind)}
    entries: list[T] = []
    for number, table in enumerate(tables(path, "entry"), start=1):
        missing = {name for name, one in known.items() if one.default is MISSING} - set(table)
        wrong = [
            name
            for name, text in table.items()
            if name not in known or not isinstance(text, str) or not text.strip()
        ]
        if missing or wrong:
            raise LessonError(
                _("Entry {number} of {file} does not have the fields that it should.").format(
                    number=number, file=path.name
                ),
                found=_("Missing: {missing}; unknown or empty: {wrong}.").format(
                    missing=sorted(missing), wrong=sorted(wrong)
                ),
            )
        texts = {name: " ".join(text.split()) for name, text in table.items()}
        kept = _NOT_TRANSLATED.get(kind, ())
        entries.append(kind(**{n: text if n in kept else say(text) for n, text in texts.items()}))
    first_fields = [getattr(entry, fields(kind)[0].name) for entry in entries]
    if kind is not GuideEntry and len(set(first_fields)) != len(first_fields):
        raise LessonError(_("Two entries of {file} have the same name.").format(file=path.name))
    return tuple(entries)


def _named(known: dict[str, T], name: str, none: str) -> T:
    if name not in known:
        raise LessonError(
            none.format(name=name), found=_("There are {known}.").format(known=sorted(known))
        )
    return known[name]
