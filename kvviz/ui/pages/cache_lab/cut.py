"""What is done to a row, as a link and the controls say it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, cast

from kvviz.translation import N_
from kvviz.translation import gettext as _
from kvviz.ui.shell.links import Reader

Kind = Literal["zero", "swap", "shift"]
Part = Literal["key", "value", "both"]
KINDS: dict[Kind, str] = {
    "zero": N_("set to zero"),
    "swap": N_("swapped with row 0"),
    "shift": N_("overwritten with the row before it"),
}
PARTS: dict[Part, str] = {"value": N_("value"), "key": N_("key"), "both": N_("key and value")}
_WORDS = re.compile(r"(\w{1,9}):(\w{1,9})(?::(\d{1,4}))?")


@dataclass(frozen=True)
class Cut:
    """A change of rows.

    Attributes:
        kind: A key of `KINDS`.
        part: A key of `PARTS`.
        row: The row in view, None for the one that is looked at most.
    """

    kind: Kind = "zero"
    part: Part = "value"
    row: int | None = None

    def __str__(self) -> str:
        """Return the words of a link."""
        return f"{self.kind}:{self.part}" + ("" if self.row is None else f":{self.row}")


def cut(words: str) -> Cut:
    """Return what a link's words say, such as ``zero:value`` or ``shift:key:12``.

    Raises:
        ValueError: If they say nothing that can be done.
    """
    found = _WORDS.fullmatch(words)
    if found is None or found[1] not in KINDS or found[2] not in PARTS:
        raise ValueError
    row = None if found[3] is None else int(found[3])
    return Cut(cast("Kind", found[1]), cast("Part", found[2]), row)


def cut_reader() -> Reader:
    """Return the reader of a link's change."""
    return Reader(cut, lambda: _("a change such as zero:value, swap:key or shift:both:12"))
