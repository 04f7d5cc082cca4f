"""What a room's code is made of."""

from __future__ import annotations

LETTERS = "BCDFGHJKMNPRSTWXZ"
"""None that looks like another one or like a digit, and no vowel, so that no code is a word."""
N_LETTERS = 5


def normal_code(text: str) -> str:
    """Return a code as it is kept, of one that was typed or stood in a link."""
    return "".join(text.split()).replace("-", "").upper()[:40]


def is_code(code: str) -> bool:
    """Whether a room could have this code, as it is kept."""
    return len(code) == N_LETTERS and set(code) <= set(LETTERS)
