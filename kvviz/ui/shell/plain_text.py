"""Text for Markdown and HTML: what people and models wrote made safe, shares written alike."""

from __future__ import annotations

import re
import reprlib
from html import escape

_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>()#+\-.!|~$:&^=])")
_ADDRESS = re.compile(r"(?<=:)(?=//)|(?<=[Ww]{3})(?=\.)|(?<=@)(?=\w)")
"""Places in which an invisible character keeps an address from becoming a link: these are made of
the text as it is read, so that no escape before a sign prevents it."""
_CONTROL = {
    **{code: 0x2400 + code for code in range(0x20)},
    0x7F: 0x2421,
    # As in the player.
    **str.maketrans({"\n": "↵", "\t": "⇥"}),
    # Marks that turn the direction of text could make a sentence read other than it is.
    **dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)), 0xFFFD),
}


def visible(text: str) -> str:
    """Return text with a visible sign for each control character."""
    return text.translate(_CONTROL)


def plain(text: str) -> str:
    r"""Return text for Markdown that shows every character as it is, and links to nothing.

    Example:
        >>> plain("*a* <b>")
        '\\*a\\* \\<b\\>'
    """
    return _MARKDOWN.sub(r"\\\1", _ADDRESS.sub("\u2060", visible(text)))


def plain_html(text: str) -> str:
    """Return text for HTML that shows every character as it is."""
    return escape(visible(text))


def shortened(text: str, length: int = 60) -> str:
    """Return text of at most `length` characters, with an ellipsis where it was cut."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def quoted(message: object, length: int = 200) -> str:
    """Return what a browser sent, as a log quotes it: short, however deep it is nested."""
    return shortened(reprlib.repr(message), length)


def percent(share: float) -> str:
    """Return a share as it is written on the page."""
    value = 100 * share
    if value == 0:
        return "0 %"
    return "< 0.1 %" if value < 0.1 else f"{value:.1f} %" if value < 9.95 else f"{value:.0f} %"
