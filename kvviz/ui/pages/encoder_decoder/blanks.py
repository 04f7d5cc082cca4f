"""The blanks of a text: underscores or sentinels, and the number that each is asked for by."""

from __future__ import annotations

import re
from typing import NamedTuple

_NUMBER = "0|[1-9][0-9]{0,2}"
SENTINEL = re.compile(rf"<extra_id_({_NUMBER})>")
MOST_BLANKS = 32
"""Sentinels of the bundled model; the first T5 checkpoints have 100."""

_PLACE = re.compile(rf"\s*(?:_{{2,}}|<extra_id_(?P<number>{_NUMBER})>)")


class Blank(NamedTuple):
    """A place of a text in which something is missing.

    Attributes:
        start: Its first character, or that of the white space before it.
        end: The end of its last character.
        number: That of its sentinel.
        typed: Whether the sentinel stands in the text itself, and no underscores.
    """

    start: int
    end: int
    number: int
    typed: bool


def blanks(text: str) -> list[Blank]:
    """Return the blanks of a text in their order: runs of two or more underscores, and sentinels.

    A sentinel has its own number. Underscores take the lowest one that no sentinel of the text and
    no blank before them has: in ``___, <extra_id_0>, ___`` they are blanks 1 and 2.
    """
    places = list(_PLACE.finditer(text))
    typed = {int(place["number"]) for place in places if place["number"]}
    free = (number for number in range(len(places) + len(typed)) if number not in typed)
    return [
        Blank(*place.span(), int(place["number"]), typed=True)
        if place["number"]
        else Blank(*place.span(), next(free), typed=False)
        for place in places
    ]


def n_blanks(text: str) -> int:
    """Return how many blanks a text has; a sentinel that stands there twice is one."""
    return len({blank.number for blank in blanks(text)})


def as_read(text: str) -> str:
    """Return a text as the encoder reads it: underscores a sentinel, with the space before them.

    ``I saw a ___ in the ___.`` becomes ``I saw a<extra_id_0> in the<extra_id_1>.``

    Source: Raffel et al. (2020), section 3.1.4.
    """
    pieces: list[str] = []
    at = 0
    for blank in blanks(text):
        if blank.typed:
            continue
        pieces += [text[at : blank.start], f"<extra_id_{blank.number}>"]
        at = blank.end
    return "".join([*pieces, text[at:]])
