"""Characters that tokens cut: which part of which character a token is."""

from __future__ import annotations

import re
from collections.abc import Sequence

_BYTES = re.compile(r"‹([0-9A-F]{2}(?: [0-9A-F]{2})*)›")
"""How a token's text shows bytes that are no whole character."""


def with_characters(tokens: Sequence[str]) -> tuple[str, ...]:
    """Return how each token reads in its text: a part of a character says which, and of which.

    A byte-level tokenizer that has read little of a script cuts its characters into bytes, each a
    token of its own. Alone such a token is ``‹EC›``; in its place it is the first of three parts of
    a character.

    Args:
        tokens: Texts of tokens in their order, bytes that are no whole character in hex.

    Returns:
        A text for each: those of whole characters as they are, a part of one as the character with
        its place among the tokens that share it, such as ``옛·1/3``. Bytes that make no character
        also with their neighbours stay in hex.
    """
    if not any(_BYTES.search(token) for token in tokens):
        return tuple(tokens)
    whole = bytearray()
    owner: list[int] = []
    for index, token in enumerate(tokens):
        raw = _raw(token)
        whole += raw
        owner += [index] * len(raw)
    shown = [""] * len(tokens)
    at = 0
    for character in whole.decode("utf-8", "surrogateescape"):
        n_bytes = len(character.encode("utf-8", "surrogateescape"))
        sharing = sorted(set(owner[at : at + n_bytes]))
        for part, index in enumerate(sharing, 1):
            if len(sharing) > 1:
                shown[index] += f"{character}·{part}/{len(sharing)}"
            elif "\udc80" <= character <= "\udcff":
                shown[index] += f"‹{ord(character) - 0xDC00:02X}›"
            else:
                shown[index] += character
        at += n_bytes
    # Bytes that stay bytes are written as the token has them, several in one pair of marks.
    return tuple(
        token if "›‹" in text and _BYTES.sub("", text) == "" else text
        for token, text in zip(tokens, shown, strict=True)
    )


def _raw(token: str) -> bytes:
    """Return the bytes of a token's text."""
    parts: list[bytes] = []
    end = 0
    for found in _BYTES.finditer(token):
        parts += [token[end : found.start()].encode("utf-8"), bytes.fromhex(found[1])]
        end = found.end()
    return b"".join([*parts, token[end:].encode("utf-8")])
