"""A cell of a pattern as a link names it, and as the browser does: who looks, and at whom."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeVar

from kvviz.translation import gettext as _
from kvviz.ui.shell.links import Reader

Cell = TypeVar("Cell")

_TEXT = re.compile(r"(\d{1,5})\.(\d{1,5})([a-z]?)", re.ASCII)


def cell_reader(mark: str, make: Callable[[int, int, bool], Cell]) -> Reader:
    """Return a reader of cells such as ``12.7``.

    Args:
        mark: The letter behind the cells of a page's second pattern.
        make: Makes a cell of the row that looks, the row looked at, and whether the mark is there.
    """

    def read(text: str) -> Cell:
        found = _TEXT.fullmatch(text)
        if found is None or found[3] not in ("", mark):
            raise ValueError
        return make(int(found[1]), int(found[2]), found[3] == mark)

    return Reader(read, lambda: _("two rows with a dot between them, such as 12.7"))


def rows_of(message: object) -> tuple[int, int] | None:
    """Return the two rows that a message from the browser names; None where it names none."""
    rows = message if isinstance(message, Mapping) else {}
    query, key = rows.get("query"), rows.get("key")
    return (query, key) if type(query) is int and type(key) is int else None
