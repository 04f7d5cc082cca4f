"""The JSON header of a trace file, whatever kind of trace it heads.

A header may come from anyone: what is read here is held to limits before anything is built of it.
"""

from __future__ import annotations

import json
import math
from typing import Any, cast

import numpy as np

from kvviz.errors import TraceFileError
from kvviz.translation import gettext as _
from kvviz.translation import ngettext

Array = np.ndarray[Any, Any]
Expected = dict[str, tuple[str, tuple[int, ...]]]

MAGIC = "kvviz-trace"
FORMATS = {1: ("generation",), 2: ("encoding", "encoder-decoder"), 3: ("named-cache",)}
"""The kinds of trace that each format version may hold; version 1 has one and does not name it.

A ``named-cache`` is a generation whose cache drops rows, or could have.
"""

MAX_TOKENS = 8_192
"""Longest run a file may hold: checking one takes time with the square of its tokens."""
MAX_HEADER_BYTES = 16 * 2**20
MAX_PROMPT_CHARACTERS = 1_000_000
MAX_TEXT_CHARACTERS = 4_096
"""Longest text beside the prompt, such as a token or a model's name."""
MAX_DEPTH = 5


def write_json(kind: str, facts: dict[str, Any]) -> bytes:
    """Return the header of a trace of that kind, as UTF-8 JSON that `read_json` reads."""
    version = next(version for version, kinds in FORMATS.items() if kind in kinds)
    first: dict[str, Any] = {"magic": MAGIC, "format": version}
    if version > 1:
        first["kind"] = kind
    header = first | facts
    return json.dumps(header, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def read_json(data: bytes) -> tuple[str, dict[str, Any]]:
    """Return the kind of trace that a header heads, and what it says of it.

    Raises:
        TraceFileError: If it is too large, no JSON, no header of a kvviz trace, or of an unknown
            format version or kind.
    """
    if len(data) > MAX_HEADER_BYTES:
        raise damaged(
            ngettext(
                "Its header takes {n:,} byte, more than {most:,}.",
                "Its header takes {n:,} bytes, more than {most:,}.",
                len(data),
            ).format(n=len(data), most=MAX_HEADER_BYTES)
        )
    try:
        parsed: Any = json.loads(data.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise damaged(_("Its header is not JSON.")) from error
    facts = cast("dict[str, Any]", parsed) if isinstance(parsed, dict) else {}
    if facts.pop("magic", None) != MAGIC:
        raise TraceFileError(
            _("This is not a kvviz trace."),
            found=_("Its header does not say so."),
            fix=_("Choose a file that kvviz saved."),
        )
    version = facts.pop("format", None)
    kinds = FORMATS.get(version) if type(version) is int else None
    kind = facts.pop("kind", None) if version != 1 else "generation"
    if kinds is None or kind not in kinds:
        says = (
            _("It says format {version} of kind {kind}, and formats 1 to {last} can be read.")
            if kinds
            else _("It says format {version}, and formats 1 to {last} can be read.")
        )
        raise TraceFileError(
            _("This trace is in a format that this kvviz does not know."),
            found=says.format(version=short(version), kind=short(kind), last=max(FORMATS)),
            fix=_("Update kvviz, or save the run again with this one."),
        )
    return kind, facts


def checked_prompt(facts: dict[str, Any], name: str) -> str:
    """Return a text that may be as long as a prompt."""
    prompt = facts[name]
    if not isinstance(prompt, str) or len(prompt) > MAX_PROMPT_CHARACTERS:
        raise damaged(
            _("Its {name} is no text of up to {n:,} characters.").format(
                name=name, n=MAX_PROMPT_CHARACTERS
            )
        )
    return prompt


def checked_tokens(facts: dict[str, Any]) -> list[str]:
    """Return the texts of the tokens, of which a file holds so many."""
    tokens = checked_list(facts, "tokens", str)
    if len(tokens) > MAX_TOKENS:
        raise TraceFileError(
            _("This trace is too long."),
            found=ngettext(
                "It has {n:,} token, and a file holds up to {most:,}.",
                "It has {n:,} tokens, and a file holds up to {most:,}.",
                len(tokens),
            ).format(n=len(tokens), most=MAX_TOKENS),
            fix=_("Generate fewer tokens, or use a shorter prompt."),
        )
    return tokens


def checked_vocabulary(facts: dict[str, Any]) -> dict[int, str]:
    """Return texts by token id."""
    vocabulary = checked_texts(facts, "vocabulary")
    if not all(key.isascii() and key.isdecimal() for key in vocabulary):
        raise damaged(_("The vocabulary in its header has a key that is no token id."))
    return {int(key): text for key, text in vocabulary.items()}


def checked_count(facts: dict[str, Any], name: str, *, at_least: int) -> int:
    """Return a whole number that is no smaller."""
    if type(facts[name]) is not int or facts[name] < at_least:
        raise damaged(
            _("{name} in its header is {found}.").format(name=name, found=short(facts[name]))
        )
    return facts[name]


def checked_list(facts: dict[str, Any], name: str, kind: type) -> list[Any]:
    """Return a list whose items are all of one type."""
    values = facts[name]
    if not isinstance(values, list) or any(
        type(value) is not kind for value in cast("list[Any]", values)
    ):
        raise damaged(
            _("{name} in its header is not the list that it should be.").format(name=name)
        )
    return cast("list[Any]", values)


def checked_texts(facts: dict[str, Any], name: str) -> dict[str, str]:
    """Return a dictionary of texts."""
    values = facts[name]
    if not isinstance(values, dict) or any(
        type(value) is not str for value in cast("dict[str, Any]", values).values()
    ):
        raise damaged(_("{name} in its header is not made of texts.").format(name=name))
    return cast("dict[str, str]", values)


def check_plain(value: Any, where: str = "header", depth: int = 0) -> None:
    """Refuse what no saved header holds: deep nesting, long texts, enormous numbers."""
    if depth > MAX_DEPTH:
        # Translators: {where} is the name of a field of a file, or the word "header"
        raise damaged(_("Its {where} is nested too deeply.").format(where=where))
    if isinstance(value, dict):
        for key, part in cast("dict[str, Any]", value).items():
            check_plain(key, where, depth)
            check_plain(part, key, depth + 1)
    elif isinstance(value, list):
        for part in cast("list[Any]", value):
            check_plain(part, where, depth + 1)
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


def _refuse_constant(text: str) -> Any:
    raise ValueError(text)


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
