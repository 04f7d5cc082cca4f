"""What a T5 wrote into the blanks of a text, read off the tokens it chose."""

from __future__ import annotations

import re
from collections.abc import Sequence

from kvviz.ui.two_caches.settings import BLANK

SENTINEL = re.compile(r"<extra_id_(\d+)>")
PIECE = "▁"
"""How SentencePiece writes a space."""


def fills(tokens: Sequence[str]) -> dict[int, str]:
    """Return what was written for each blank, by its number.

    Args:
        tokens: The tokens that the decoder chose, as the tokenizer shows them.

    Returns:
        Text after each sentinel up to the next one. The first answer to a blank counts. Empty
        where no sentinel was written.
    """
    found: dict[int, str] = {}
    number: int | None = None
    for token in tokens:
        sentinel = SENTINEL.fullmatch(token.strip())
        if sentinel:
            number = int(sentinel[1])
            if number in found:
                number = None
            else:
                found[number] = ""
        elif number is not None:
            found[number] += token.replace(PIECE, " ")
    return found


def parts(text: str, found: dict[int, str]) -> list[tuple[str, str]]:
    """Return a text with its blanks filled in, piece by piece.

    Returns:
        Pairs of kind and text: ``given`` as it was typed, ``filled`` for a blank that was answered,
        ``open`` for one that was not.
    """
    pieces: list[tuple[str, str]] = []
    at = 0
    for number, blank in enumerate(BLANK.finditer(text)):
        pieces.append(("given", text[at : blank.start()]))
        answer = found.get(number, "")
        pieces.append(("filled", answer) if answer.strip() else ("open", " ___"))
        at = blank.end()
    pieces.append(("given", text[at:]))
    return [(kind, piece) for kind, piece in pieces if piece]
