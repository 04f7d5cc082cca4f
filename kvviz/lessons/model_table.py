"""Read the tables of models and accelerators, and refuse a row with a gap in it.

Every row says of each value where it stands. A figure that is missing says why, in one of a few
words: nobody guessed it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from kvviz.errors import TraceError
from kvviz.lessons.lesson_files import LessonError, tables
from kvviz.trace.architecture import Architecture
from kvviz.trace.compressed_rows import CompressedRows
from kvviz.trace.state_layers import StateLayers
from kvviz.translation import N_
from kvviz.translation import gettext as _

HERE = Path(__file__).parent

WHY_MISSING = (N_("not published"), N_("undisclosed"), N_("not looked up"))
"""Why a figure is missing: it stands nowhere, is kept back, or was not looked for here.

To be translated where it is shown."""

LICENCE_KINDS = (
    N_("permissive"),
    N_("own terms"),
    N_("research only"),
    N_("weights not released"),
    N_("not looked up"),
)
"""In a word what a licence lets one do, to be translated where it is shown."""

VALUES = ("size", "date", "tokens", "licence", "shape")
"""What of a row has a source. The size is all parameters and the active ones."""

STATUSES = (
    N_("open weights"),
    N_("shape disclosed"),
    N_("size disclosed"),
    N_("not disclosed"),
)
"""What of a model is public, the most that is, to be translated where it is shown."""

EARLIEST, LATEST = "2017-06", "2026-11"
"""The months between which a row's lies: the transformer's, and that of the last look-ups."""

_ADDRESS = re.compile(
    r"arXiv \d{4}\.\d{5}"  # a paper
    r"|\b[\w-]+\.(?:ai|cn|co|com|dev|io|net|org)\b"  # a site
    r"|\b[\w.-]+/[\w.-]+, [\w./ -]+"  # a file of a repository
    r"|\btransformers' \w+Config\b"
    r"|\bkvviz/weights\b"
)
"""Where anybody can look: what a source names at least once."""

_NOT_ITS_FIELDS = {
    "model": N_("The model {row!r} of {file} does not have the fields that it should."),
    "accelerator": N_("The accelerator {row!r} of {file} does not have the fields that it should."),
}

_UNITS = {"k": 3, "M": 6, "B": 9, "T": 12}
_AMOUNT = re.compile(r"(\d+)(?:\.(\d+))?([kMBT])")
_MONTH = re.compile(r"(\d{4})(?:-(0[1-9]|1[0-2]))?")


@dataclass(frozen=True)
class Amount:
    """A number as it was published.

    Attributes:
        text: How it was written, as ``15.6T``.
        number: What that is.
        unit: What its last digit that is not 0 stands for; it was rounded to that.
    """

    text: str
    number: int
    unit: int


def amount(text: str) -> Amount | None:
    """Read an amount; None where `text` is no such thing.

    Example:
        >>> amount("15.6T")
        Amount(text='15.6T', number=15600000000000, unit=100000000000)
        >>> amount("undisclosed")
    """
    match = _AMOUNT.fullmatch(text)
    if match is None:
        return None
    decimals = match[2] or ""
    zeros = 0 if decimals else len(match[1]) - len(match[1].rstrip("0"))
    exponent = _UNITS[match[3]] - len(decimals)
    return Amount(text, int(match[1] + decimals) * 10**exponent, 10 ** (exponent + zeros))


@dataclass(frozen=True)
class ModelRow:
    """A model: what its maker says of it, and its shape where that is public.

    Attributes:
        id: Short name, as in links.
        name: Name for people.
        maker: Who trained it.
        month: When it was published, ``YYYY-MM``, or ``YYYY`` where the month is not known.
        published: Parameters as the maker writes them, or ``undisclosed``.
        training_tokens: Tokens it was trained on, or one of `WHY_MISSING`.
        licence: Licence of the weights.
        licence_kind: One of `LICENCE_KINDS`.
        sources: Where each of `VALUES` stands; a key names one or several of them.
        active: Parameters that a token goes through, as the maker writes them, where fewer.
        note: What one should know about the row's figures.
        other: What the shape's `n_other` parameters are.
        off_because: Why the count from the shape is not what the maker writes.
        shape: Its shape, or None where it is not public or has no formula here.
    """

    id: str
    name: str
    maker: str
    month: str
    published: str
    training_tokens: str
    licence: str
    licence_kind: str
    sources: Mapping[str, str]
    active: str = ""
    note: str = ""
    other: str = ""
    off_because: str = ""
    shape: Architecture | None = None

    @property
    def source(self) -> str:
        """All sources, each with what it is of."""
        return "; ".join(f"{values}: {where}" for values, where in self.sources.items())

    def source_of(self, value: str) -> str:
        """Where one of `VALUES` stands; nothing where it has no source."""
        return "; ".join(where for values, where in self.sources.items() if value in _named(values))

    @property
    def status(self) -> str:
        """What of the model is public as far as it was looked up, one of `STATUSES`.

        Under what licence weights are given, if they are, says that they are.
        """
        is_public = (
            self.licence_kind not in ("weights not released", "not looked up"),
            self.shape is not None,
            amount(self.published) is not None,
            True,
        )
        return STATUSES[is_public.index(True)]

    @property
    def years(self) -> float:
        """The middle of its month on the axis of years; of its year where no month is known."""
        year, _dash, month = self.month.partition("-")
        return int(year) + ((int(month) - 0.5) / 12 if month else 0.5)


@dataclass(frozen=True)
class Accelerator:
    """A processor for models, and how much memory it has, in units of 10^9 bytes."""

    id: str
    name: str
    maker: str
    memory_gb: int
    source: str


@cache
def model_table() -> tuple[ModelRow, ...]:
    """Return all models, by the date of publication.

    Raises:
        LessonError: If the file cannot be read, or a row has a gap or a contradiction.
    """
    return tuple(sorted(read_models(HERE / "models.toml"), key=lambda row: row.years))


@cache
def accelerator_table() -> tuple[Accelerator, ...]:
    """Return all accelerators, by memory.

    Raises:
        LessonError: If the file cannot be read, or a row has a gap.
    """
    rows = _rows(HERE / "accelerators.toml", "accelerator", Accelerator, {"memory_gb": int})
    for row in rows:
        if row.memory_gb < 1:
            raise LessonError(
                _("Accelerator {accelerator!r} has no memory.").format(accelerator=row.id)
            )
    return tuple(sorted(rows, key=lambda row: (row.memory_gb, row.name)))


def read_models(path: Path) -> list[ModelRow]:
    """Read a file of models.

    Raises:
        LessonError: If it cannot be read, or a row has a gap or a contradiction.
    """
    rows = _rows(path, "model", ModelRow, {"shape": Architecture, "sources": dict})
    for row in rows:
        for field, right in {
            "month": _MONTH.fullmatch(row.month)
            and EARLIEST[: len(row.month)] <= row.month
            and row.month <= LATEST[: len(row.month)],
            "licence_kind": row.licence_kind in LICENCE_KINDS,
            "published": amount(row.published) or row.published == "undisclosed",
            "training_tokens": amount(row.training_tokens) or row.training_tokens in WHY_MISSING,
            "active": not row.active or amount(row.active),
        }.items():
            if not right:
                raise LessonError(
                    _("Model {model!r} has an entry that is no such thing.").format(model=row.id),
                    found=_("Found {field} {value!r}.").format(
                        field=field, value=getattr(row, field)
                    ),
                )
        _check_sources(row)
    return rows


def _named(values: str) -> list[str]:
    """Return the values that a key of `sources` names."""
    return values.split(", ")


def _check_sources(row: ModelRow) -> None:
    """Hold a row's sources to what it says.

    Raises:
        LessonError: If a source is of no value of the row, names no address, or is missing.
    """
    said = {
        "size": True,
        "date": True,
        "tokens": row.training_tokens != "not looked up",
        "licence": row.licence_kind != "not looked up",
        "shape": row.shape is not None,
    }
    for values, where in row.sources.items():
        if not all(said.get(value, False) for value in _named(values)):
            raise LessonError(
                _("Model {model!r} has a source of nothing that it says.").format(model=row.id),
                found=_("Found {field} {value!r}.").format(field=values, value=where),
            )
        if not isinstance(where, str) or not _ADDRESS.search(where):
            raise LessonError(
                _("Model {model!r} has a source without an address.").format(model=row.id),
                found=_("Found {field} {value!r}.").format(field=values, value=where),
                fix=_("Name a paper on arXiv, a site, or a file of a repository."),
            )
    missing = [value for value in VALUES if said[value] and not row.source_of(value)]
    if missing:
        raise LessonError(
            _("Model {model!r} says something without a source.").format(model=row.id),
            found=_("Missing: {missing}.").format(missing=", ".join(missing)),
        )


T = TypeVar("T", ModelRow, Accelerator)


def _rows(path: Path, word: str, kind: type[T], kinds: dict[str, type]) -> list[T]:
    """Read the `[[word]]` tables of a file; every field is text unless `kinds` says otherwise."""
    known = {one.name: one for one in fields(kind)}
    rows: dict[str, T] = {}
    for number, table in enumerate(tables(path, word), start=1):
        name = table.get("id", _("number {n}").format(n=number))
        if isinstance(table.get("shape"), dict):
            table["shape"] = _shape(table["shape"], name)
        missing = {field for field, one in known.items() if one.default is MISSING} - set(table)
        wrong = [
            field
            for field, value in table.items()
            if field not in known
            or type(value) is not kinds.get(field, str)
            or (isinstance(value, str) and not value.strip())
        ]
        if missing or wrong:
            raise LessonError(
                _(_NOT_ITS_FIELDS[word]).format(row=name, file=path.name),
                found=_("Missing: {missing}; unknown or empty: {wrong}.").format(
                    missing=sorted(missing), wrong=sorted(wrong)
                ),
            )
        if name in rows:
            raise LessonError(
                _("Two rows of {file} have the id {row!r}.").format(file=path.name, row=name)
            )
        rows[name] = kind(**table)
    return list(rows.values())


def _shape(table: dict[str, Any], model: str) -> Architecture:
    try:
        for name, kind in (("state", StateLayers), ("compressed", CompressedRows)):
            if name in table:
                table = table | {name: kind(**table[name])}
        return Architecture(**table)
    except TypeError as error:
        raise LessonError(
            _("Model {model!r} has a shape with a wrong word.").format(model=model),
            found=str(error),
        ) from error
    except TraceError as error:
        raise LessonError(
            _("Model {model!r} has an impossible shape.").format(model=model), found=error.found
        ) from error
