"""Tokens as they are written on the page: a sign for each character that cannot be seen."""

from __future__ import annotations

from kvviz.ui.plain_text import visible

_SIGNS = str.maketrans({" ": "␣", "\n": "↵", "\t": "⇥"})


def glyphs(token: str) -> str:
    r"""Return a token's text with signs for spaces, line ends and control characters.

    Example:
        >>> glyphs(" cat\n")
        '␣cat↵'
    """
    return visible(token.translate(_SIGNS)) or "∅"
