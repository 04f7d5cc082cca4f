"""The fields of a header, each held to what it must be before anything is built of it.

A header may come from anyone. What does not hold raises a TraceFileError that says so.
"""

from __future__ import annotations

import math
from typing import Any, cast

from kvviz.errors import TraceFileError
from kvviz.translation import gettext as _
from kvviz.translation import ngettext

MAX_TOKENS = 8_192
"""Longest run a file may hold: checking one takes time with the square of its tokens."""
MAX_PROMPT_CHARACTERS = 1_000_000
MAX_TEXT_CHARACTERS = 4_096
"""Longest text beside the prompt, such as a token or a model's name."""
MAX_DEPTH = 5


def require_names(facts: dict[str, Any], names: set[str]) -> None:
    """Refuse a header that has not these fields and no others."""
    if set(facts) != names:
        raise damaged(
            _("Its header lacks or adds {names}.").format(names=short_names(set(facts) ^ names))
        )


def prompt(facts: dict[str, Any], name: str) -> str:
    """Return a text that may be as long as a prompt."""
    text = facts[name]
    if not isinstance(text, str) or len(text) > MAX_PROMPT_CHARACTERS:
        raise damaged(
            _("Its {name} is no text of up to {n:,} characters.").format(
                name=name, n=MAX_PROMPT_CHARACTERS
            )
        )
    return text


def tokens(facts: dict[str, Any]) -> list[str]:
    """Return the texts of the tokens, of which a file holds so many."""
    found = items(facts, "tokens", str)
    if len(found) > MAX_TOKENS:
        raise TraceFileError(
            _("This trace is too long."),
            found=ngettext(
                "It has {n:,} token, and a file holds up to {most:,}.",
                "It has {n:,} tokens, and a file holds up to {most:,}.",
                len(found),
            ).format(n=len(found), most=MAX_TOKENS),
            fix=_("Generate fewer tokens, or use a shorter prompt."),
        )
    return found


def vocabulary(facts: dict[str, Any]) -> dict[int, str]:
    """Return texts by token id."""
    by_key = texts(facts, "vocabulary")
    if not all(key.isascii() and key.isdecimal() for key in by_key):
        raise damaged(_("The vocabulary in its header has a key that is no token id."))
    return {int(key): text for key, text in by_key.items()}


def count(facts: dict[str, Any], name: str, *, at_least: int) -> int:
    """Return a whole number that is no smaller."""
    number: int = of_type(facts, name, int)
    if number < at_least:
        raise _wrong(facts, name)
    return number


def of_type(facts: dict[str, Any], name: str, kind: type) -> Any:
    """Return what is of this type and no other."""
    if type(facts[name]) is not kind:
        raise _wrong(facts, name)
    return facts[name]


def one_of(facts: dict[str, Any], name: str, allowed: tuple[Any, ...]) -> Any:
    """Return what is one of these words."""
    if facts[name] not in allowed:
        raise _wrong(facts, name)
    return facts[name]


def items(facts: dict[str, Any], name: str, kind: type) -> list[Any]:
    """Return a list whose items are all of one type."""
    values = facts[name]
    if not isinstance(values, list) or any(
        type(value) is not kind for value in cast("list[Any]", values)
    ):
        raise damaged(
            _("{name} in its header is not the list that it should be.").format(name=name)
        )
    return cast("list[Any]", values)


def texts(facts: dict[str, Any], name: str) -> dict[str, str]:
    """Return a dictionary of texts."""
    values = facts[name]
    if not isinstance(values, dict) or any(
        type(value) is not str for value in cast("dict[str, Any]", values).values()
    ):
        raise damaged(_("{name} in its header is not made of texts.").format(name=name))
    return cast("dict[str, str]", values)


def require_plain(value: Any, where: str = "header", depth: int = 0) -> None:
    """Refuse what no saved header holds: deep nesting, long texts, enormous numbers."""
    if depth > MAX_DEPTH:
        # Translators: {where} is the name of a field of a file, or the word "header"
        raise damaged(_("Its {where} is nested too deeply.").format(where=where))
    if isinstance(value, dict):
        for key, part in cast("dict[str, Any]", value).items():
            require_plain(key, where, depth)
            require_plain(part, key, depth + 1)
    elif isinstance(value, list):
        for part in cast("list[Any]", value):
            require_plain(part, where, depth + 1)
    elif isinstance(value, str) and len(value) > MAX_TEXT_CHARACTERS:
        raise damaged(
            _("A text in its {where} is longer than {n:,} characters.").format(
                where=where, n=MAX_TEXT_CHARACTERS
            )
        )
    elif isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise damaged(_("A number in its {where} is too large.").format(where=where))
    elif isinstance(value, float) and not math.isfinite(value):
        raise damaged(_("A number in its {where} is not finite.").format(where=where))


def _wrong(facts: dict[str, Any], name: str) -> TraceFileError:
    return damaged(
        _("{name} in its header is {found}.").format(name=name, found=short(facts[name]))
    )


def short_names(names: set[str]) -> str:
    """Return the first of some names."""
    return short(", ".join(sorted(names)[:3]))


def short(value: object) -> str:
    """Return what a value reads, at most 60 letters of it."""
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."


def damaged(found: str) -> TraceFileError:
    """Build the error for a file that is a trace but not a sound one."""
    return TraceFileError(
        _("This trace file is damaged."),
        found=found,
        fix=_("Save the run again, or fetch the file anew."),
    )
