"""What the side with the cache keeps: every row, or those of a window, in a link's words."""

from __future__ import annotations

import re

from kvviz.translation import gettext as _
from kvviz.translation import ngettext
from kvviz.ui.shell.links import Reader
from kvviz.ui.work.keeping import EVERY_ROW, keeping_words

OFFERED = (EVERY_ROW, "window:28+4", "window:60+4", "window:124+4")
"""What a person chooses from; other windows can be typed."""
_WINDOW = re.compile(r"window:(\d{1,6})(?:\+(\d{1,6}))?")


def race_words(text: str) -> str:
    """Return the words of what a race can keep, as a link has them.

    Raises:
        ValueError: If they name nothing that is raced: a window has two rows or more, the query's
            own among them, and one beside its sinks.
    """
    words = keeping_words(text)
    if words != EVERY_ROW:
        found = _WINDOW.fullmatch(words)
        if found is None or int(found[1]) < 1 or int(found[1]) + int(found[2] or 0) < 2:
            raise ValueError
    return words


def read(text: str) -> str | None:
    """Return these words, None where a text names nothing that is raced."""
    try:
        return race_words(text)
    except ValueError:
        return None


def race_reader() -> Reader:
    """Return the reader of a link's way of keeping rows."""
    return Reader(race_words, wanted)


def wanted() -> str:
    """Return what such words look like."""
    return _("every row (full), or a window of 2 rows or more such as window:60+4")


def told(rows: int, sinks: int) -> str:
    """Return what a window keeps, to stand in a sentence.

    Args:
        rows: Rows that a query may read, its own and the sinks among them.
        sinks: How many of them are the first ones.
    """
    last = ngettext("the last {n:,} row", "the last {n:,} rows", rows - sinks).format(
        n=rows - sinks
    )
    if not sinks:
        return last
    first = ngettext("the first", "the first {n:,}", sinks).format(n=sinks)
    # Translators: {last} is "the last 60 rows", {first} is "the first 4".
    return _("{last} and {first}").format(last=last, first=first)


def told_words(words: str) -> str:
    """Return the same of a link's words; nothing where every row is kept, or nothing is named."""
    found = _WINDOW.fullmatch(read(words) or "")
    if found is None:
        return ""
    size, sinks = int(found[1]), int(found[2] or 0)
    return told(size + sinks, sinks)
