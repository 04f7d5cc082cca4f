"""English that no catalogue holds: accented, 40 % longer, in brackets.

On a page in this language a word without accents was never marked, and what is cut or overlaps
would be so in a language with longer words.
"""

from __future__ import annotations

import re

LONGER = 1.4
"""Letters and gaps to those of the English: what a translation from English may well need."""
OPEN, CLOSE = "⟦", "⟧"

_ACCENTED = str.maketrans(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
    "ÅƁÇÐÉƑĜĤÎĴĶĻṀÑÖÞǪŔŠŢÛṼŴẊÝŽåƀçðéƒĝĥîĵķļɱñöþǫŕšţûṽŵẋýž",
)
_KEPT = re.compile(
    r"""
    \{\{ | \}\}                # braces that are shown
    | %?\{[^{}]*\}             # what is filled in, by str.format or by plotly
    | </?[A-Za-z][^<>]*>       # tags, their attributes with them
    | &\#?\w+;                 # entities
    | `[^`]*`                  # code
    | :material/\w+:           # icons
    | https?://[^\s)\]]+       # addresses
    """,
    re.VERBOSE,
)
_VOWEL = re.compile("[aeiouAEIOU]")


def pseudo(message: str) -> str:
    """Return a message in the pseudo-language.

    Placeholders, tags, entities, code, icons and addresses stay as they are, and so does white
    space at either end.

    Example:
        >>> pseudo("It has {n:,} tokens.")
        '⟦Îîţ ĥååš {n:,} ţööķééñš. ~⟧'
    """
    text = message.strip()
    if not text:
        return message
    begin = message.index(text)
    parts = _parts(text)
    wanted = round((LONGER - 1) * sum(len(part) for part, kept in parts if not kept))
    out: list[str] = []
    for part, kept in parts:
        if kept:
            out.append(part)
            continue
        longer, wanted = _lengthened(part, wanted)
        out.append(longer.translate(_ACCENTED))
    padding = f" {'~' * (wanted - 1)}" if wanted > 1 else "~" * wanted
    within = "".join(out) + padding
    return f"{message[:begin]}{OPEN}{within}{CLOSE}{message[begin + len(text) :]}"


def _parts(text: str) -> list[tuple[str, bool]]:
    """Return the pieces of a text in order, each with whether it is kept as it is."""
    parts: list[tuple[str, bool]] = []
    end = 0
    for found in _KEPT.finditer(text):
        parts += [(text[end : found.start()], False), (found.group(), True)]
        end = found.end()
    return [(part, kept) for part, kept in (*parts, (text[end:], False)) if part]


def _lengthened(text: str, wanted: int) -> tuple[str, int]:
    """Say vowels twice, as many as are wanted; return also how many are wanted still."""
    n = min(wanted, len(_VOWEL.findall(text)))
    return _VOWEL.sub(
        lambda vowel: vowel.group() + vowel.group().lower(), text, count=n
    ) if n else text, wanted - n
