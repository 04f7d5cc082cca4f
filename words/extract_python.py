"""Babel's reader of Python files, by the syntax tree.

Babel's own one goes by tokens, and up to Python 3.11 an f-string is one token: a message that is
marked inside its braces would not be found.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping
from typing import IO, Any


def extract(
    file: IO[bytes],
    keywords: Mapping[str, Any],
    comment_tags: Collection[str],
    options: Mapping[str, Any],
) -> Iterator[tuple[int, str, tuple[str | None, ...] | str | None, list[str]]]:
    """Yield line, name of the marking function, its texts, and the comment for translators.

    Source: Babel's documentation, "Writing Extraction Methods".
    """
    source = file.read().decode("utf-8")
    lines = source.splitlines()
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    for call in sorted(calls, key=lambda node: (node.lineno, node.col_offset)):
        name = getattr(call.func, "attr", getattr(call.func, "id", ""))
        if name not in keywords:
            continue
        texts = tuple(
            one.value if isinstance(one, ast.Constant) and isinstance(one.value, str) else None
            for one in call.args
        )
        if any(texts):
            above = comments(lines, call.lineno, comment_tags)
            yield call.lineno, name, texts[0] if len(texts) == 1 else texts, above


def comments(lines: list[str], line: int, tags: Collection[str]) -> list[str]:
    """Return the comment that stands right above a line, if it is one for translators."""
    found: list[str] = []
    for text in reversed(lines[: line - 1]):
        bare = text.strip()
        if not bare.startswith("#"):
            break
        found.insert(0, bare.lstrip("# "))
    at = next((n for n, text in enumerate(found) if text.startswith(tuple(tags))), None)
    return [] if at is None else found[at:]
