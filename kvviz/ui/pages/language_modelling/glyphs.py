"""Tokens as they are written on the page: a sign for each character that cannot be seen."""

from __future__ import annotations

from kvviz.ui.shell.plain_text import visible

_SIGNS = str.maketrans({" ": "␣", "\n": "↵", "\t": "⇥"})


_ENDS = str.maketrans({"\n": "↵", "\t": "⇥"})


def running(text: str) -> str:
    r"""Return running text with the same signs, its spaces left as they are.

    Example:
        >>> running("a cat\n")
        'a cat↵'
    """
    return visible(text.translate(_ENDS))


def glyphs(token: str) -> str:
    r"""Return a token's text with signs for spaces, line ends and control characters.

    Example:
        >>> glyphs(" cat\n")
        '␣cat↵'
    """
    return visible(token.translate(_SIGNS)) or "∅"
