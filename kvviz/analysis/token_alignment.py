"""Which tokens of two tokenizations stand for the same stretch of text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

from kvviz.errors import AlignmentError
from kvviz.trace import EncodingTrace
from kvviz.translation import gettext as _
from kvviz.translation import ngettext


@dataclass(frozen=True)
class Unit:
    """The smallest stretch of text at whose ends both tokenizations have a token border.

    Attributes:
        left: Positions of the first tokenization in it; empty where only the other has tokens.
        right: Positions of the second likewise.
    """

    left: tuple[int, ...]
    right: tuple[int, ...]

    @property
    def is_pair(self) -> bool:
        """Whether one token stands beside one token."""
        return len(self.left) == len(self.right) == 1


def align_tokens(left: EncodingTrace, right: EncodingTrace) -> tuple[Unit, ...]:
    """Align the tokens of two encodings of the same text by the characters that they cover.

    With one tokenizer every token has its twin. With two, a word may be one token here and three
    there: these make one unit. Tokens that stand for no text, such as [CLS], are units of their
    own.

    Args:
        left: An encoding.
        right: An encoding of the same text.

    Returns:
        Units in the order of the text; each position of both encodings is in exactly one.

    Raises:
        AlignmentError: If the texts differ, or a tokenizer does not say what its tokens cover.
    """
    if left.text != right.text:
        raise AlignmentError(
            _("The two models did not read the same text."),
            found=ngettext(
                "One has {n} character, the other {n_other}.",
                "One has {n} characters, the other {n_other}.",
                len(left.text),
            ).format(n=len(left.text), n_other=len(right.text)),
            fix=_("Encode one text with both."),
        )
    borders = sorted({int(place) for side in (left, right) for place in _covered(side).flat})
    straddled = np.zeros(max(borders, default=0) + 1, dtype=bool)
    for side in (left, right):
        for start, end in _covered(side):
            straddled[start + 1 : end] = True
    cuts = np.array([place for place in borders if not straddled[place]], dtype=np.int64)
    sides = [_by_stretch(side, cuts) for side in (left, right)]
    return tuple(_units(sides[0], sides[1], len(cuts)))


def _covered(side: EncodingTrace) -> Int64[np.ndarray, "token 2"]:
    """Return the spans of the tokens that stand for text."""
    spans = side.spans[~side.special]
    if (spans[:, 0] < 0).any() or (spans[:, 1] < spans[:, 0]).any():
        raise AlignmentError(
            _("The tokens cannot be aligned."),
            found=_(
                "The tokenizer of {model} does not say which characters a token covers."
            ).format(model=side.model.name),
            fix=_("Take a model with a tokenizer.json, or one that shares its tokenizer."),
        )
    return spans


def _by_stretch(
    side: EncodingTrace, cuts: Int64[np.ndarray, " cut"]
) -> tuple[dict[int, list[int]], dict[int, list[int]]]:
    """Return positions by the stretch that they lie in, and special ones by the one they precede.

    Stretch i begins at the i-th cut. Special tokens after the last text precede `len(cuts)`.
    """
    tokens: dict[int, list[int]] = {}
    specials: dict[int, list[int]] = {}
    waiting: list[int] = []
    last = 0
    begins: list[int] = (np.searchsorted(cuts, side.spans[:, 0], side="right") - 1).tolist()
    for position, stretch in enumerate(begins):
        if side.special[position]:
            waiting.append(position)
            continue
        if stretch < last:
            raise AlignmentError(
                _("The tokens cannot be aligned."),
                found=_("Token {position} of {model} stands before the one before it.").format(
                    position=position, model=side.model.name
                ),
                fix=_("Take a text without signs that change the direction of writing."),
            )
        last = stretch
        if waiting:
            specials.setdefault(stretch, []).extend(waiting)
            waiting = []
        tokens.setdefault(stretch, []).append(position)
    if waiting:
        specials[len(cuts)] = waiting
    return tokens, specials


Stretches = tuple[dict[int, list[int]], dict[int, list[int]]]


def _units(left: Stretches, right: Stretches, n_stretches: int) -> Iterator[Unit]:
    """Yield the units in order."""
    for stretch in range(n_stretches + 1):
        for position in left[1].get(stretch, []):
            yield Unit((position,), ())
        for position in right[1].get(stretch, []):
            yield Unit((), (position,))
        ours, theirs = left[0].get(stretch, []), right[0].get(stretch, [])
        if ours or theirs:
            yield Unit(tuple(ours), tuple(theirs))
