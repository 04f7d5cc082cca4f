"""The words of a text, each with the loss of its tokens."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from kvviz.analysis.losses import label_bits, label_positions
from kvviz.trace import EncodingTrace

_WORD = re.compile(r"\S+")


@dataclass(frozen=True)
class Word:
    """A run of characters without white space, whose tokens were all judged.

    Attributes:
        text: As it stands in the text.
        start: Its first character.
        positions: Positions of its tokens.
        bits: Their losses together.
    """

    text: str
    start: int
    positions: tuple[int, ...]
    bits: float


def word_losses(encoding: EncodingTrace) -> tuple[Word, ...]:
    """Return the words of a text of which every token was judged, in their order.

    A token belongs to the word that holds its last character. The name of a special token is part
    of no word. Losses of the tokens of a word add
    up, since the probability of a word is the product of theirs.
    """
    bits = label_bits(encoding)
    judged = label_positions(encoding)
    of_token = dict(zip(judged.tolist(), bits[~np.isnan(bits)].tolist(), strict=True))
    ends = encoding.spans[:, 1] - 1
    words: list[Word] = []
    for match in _WORD.finditer(written(encoding)):
        inside = (ends >= match.start()) & (ends < match.end())
        positions = tuple(np.flatnonzero(inside & ~encoding.special).tolist())
        if positions and all(position in of_token for position in positions):
            total = sum(of_token[position] for position in positions)
            words.append(Word(match[0], match.start(), positions, total))
    return tuple(words)


def written(encoding: EncodingTrace) -> str:
    """Return the text with a space for each character that no token stands for."""
    owned = np.zeros(len(encoding.text), dtype=bool)
    for start, end in encoding.spans:
        owned[max(int(start), 0) : max(int(end), 0)] = True
    return "".join(
        character if is_owned else " "
        for character, is_owned in zip(encoding.text, owned, strict=True)
    )
