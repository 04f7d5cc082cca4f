"""Speed-ups that others have published, as data with a source each."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from kvviz.lessons.lesson_files import LessonError
from kvviz.translation import gettext as _

FILE = Path(__file__).parent / "published_speedups.toml"


@dataclass(frozen=True)
class PublishedSpeedUp:
    """One published figure.

    Attributes:
        speed_up: Time without the cache over time with it.
        tokens: Tokens generated, or what the setting says.
        batch: Sequences at the same time.
        who: Who published it, in a word or two.
        setting: What it was measured with.
        source: Where it stands.
        looked_up: The day on which it was read there, ``YYYY-MM-DD``.
    """

    speed_up: float
    tokens: int
    batch: int
    who: str
    setting: str
    source: str
    looked_up: str


@cache
def published_speed_ups() -> tuple[PublishedSpeedUp, ...]:
    """Return all published figures, in the order of the file.

    Raises:
        LessonError: If an entry lacks something, a number is none, or a day is none.
    """
    data: dict[str, Any] = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return tuple(_checked(number, entry) for number, entry in enumerate(data["entry"], start=1))


def _checked(number: int, entry: dict[str, Any]) -> PublishedSpeedUp:
    names = {one.name for one in fields(PublishedSpeedUp)}
    complete = set(entry) == names and all(
        entry[name] > 0 if name in ("speed_up", "tokens", "batch") else entry[name].strip()
        for name in names
    )
    if not complete:
        raise LessonError(
            _("Entry {number} of {file} does not have the fields that it should.").format(
                number=number, file=FILE.name
            ),
            found=_("It has {fields}.").format(fields=sorted(entry)),
        )
    if not _is_day(entry["looked_up"]):
        raise LessonError(
            _("Entry {number} of {file} does not say on which day it was looked up.").format(
                number=number, file=FILE.name
            ),
            found=_("It says {found!r}.").format(found=entry["looked_up"]),
        )
    return PublishedSpeedUp(**entry)


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
