"""Babel's reader of the tables of facts: a fact is data, what is said of it is a message.

Lessons lie in a folder a language and need no catalogue; these tables are the same in all of them.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from typing import IO, Any

FIELDS = ("note", "other", "off_because", "setting")
"""The fields that are sentences, or parts of one."""

_LINE = re.compile(rf'(?:{"|".join(FIELDS)}) = ".*"')


def extract(
    file: IO[bytes],
    keywords: Mapping[str, Any],
    comment_tags: Collection[str],
    options: Mapping[str, Any],
) -> Iterator[tuple[int, str, str, list[str]]]:
    """Yield line, name of the marking function, text, and no comment.

    Source: Babel's documentation, "Writing Extraction Methods".
    """
    for number, line in enumerate(file.read().decode("utf-8").splitlines(), start=1):
        if _LINE.fullmatch(line.strip()):
            (text,) = tomllib.loads(line).values()
            yield number, "gettext", text, []
