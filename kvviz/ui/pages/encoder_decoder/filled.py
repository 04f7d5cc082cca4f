"""What a T5 wrote into the blanks of a text, read off the tokens it chose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kvviz.translation import gettext as _
from kvviz.translation import ngettext
from kvviz.ui.pages.encoder_decoder.blanks import SENTINEL, blanks

if TYPE_CHECKING:
    from kvviz.engine import LoadedModel
    from kvviz.trace import GenerationTrace

PIECE = "▁"
"""How SentencePiece writes a space."""


def final_sentinels(model: LoadedModel, text: str) -> tuple[int, ...]:
    """Return the token that ends the answer to a text: the sentinel after that of its last blank.

    Args:
        model: A T5.
        text: What its encoder reads, sentinels in it.

    Returns:
        One token id; none if the text has no blank or the model no such sentinel.

    Source: Raffel et al. (2020), section 3.1.4: the target ends with a final sentinel.
    """
    numbers = [int(number) for number in SENTINEL.findall(text)]
    if not numbers:
        return ()
    name = f"<extra_id_{max(numbers) + 1}>"
    ids = model.tokenize(name)
    return tuple(token_id for token_id in ids[-1:] if model.token_text(token_id).strip() == name)


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

    Args:
        text: A text as it was typed, or as an encoder has read it.
        found: What was written for each blank, by its number.

    Returns:
        Pairs of kind and text: ``given`` as it was typed, ``filled`` for a blank that was answered,
        ``open`` for one that was not.
    """
    pieces: list[tuple[str, str]] = []
    at = 0
    for blank in blanks(text):
        pieces.append(("given", text[at : blank.start]))
        answer = found.get(blank.number, "")
        pieces.append(("filled", answer) if answer.strip() else ("open", " ___"))
        at = blank.end
    pieces.append(("given", text[at:]))
    return [(kind, piece) for kind, piece in pieces if piece]


def why_open(text: str, found: dict[int, str], trace: GenerationTrace) -> str:
    """Say in one sentence or two why blanks were left open, and what to do.

    Args:
        text: The text as it was typed, or as the encoder has read it.
        found: What was written for each blank, by its number.
        trace: The run.

    Returns:
        Nothing if all blanks are filled in, or there is none.
    """
    numbers = sorted({blank.number for blank in blanks(text)})
    left = [number for number in numbers if not found.get(number, "").strip()]
    read = {token.strip() for token in trace.encoder.tokens}
    unknown = [number for number in left if f"<extra_id_{number}>" not in read]
    if unknown:
        lower = _("{model} has no {sentinel}: give that blank a lower number.").format(
            model=trace.model.name, sentinel=f"<extra_id_{unknown[0]}>"
        )
        return f"{lower} {_why_open(len(left) - len(unknown), len(numbers), trace)}".strip()
    return _why_open(len(left), len(numbers), trace)


def _why_open(n_open: int, n: int, trace: GenerationTrace) -> str:
    """Say why so many of a run's blanks were left open; nothing if none was."""
    if not n_open:
        return ""
    if trace.stopped == "length":
        n_new = trace.options.max_new_tokens
        new = ngettext("the {n:,} new token ran out", "the {n:,} new tokens ran out", n_new).format(
            n=n_new
        )
        form = ngettext(
            "{n_open:,} of {n:,} blanks is open: {new}. Ask for more and run again.",
            "{n_open:,} of {n:,} blanks are open: {new}. Ask for more and run again.",
            n_open,
        )
        return form.format(n_open=n_open, n=n, new=new)
    if trace.stopped == "cancelled":
        form = ngettext(
            "{n_open:,} of {n:,} blanks is open: the run was cancelled.",
            "{n_open:,} of {n:,} blanks are open: the run was cancelled.",
            n_open,
        )
    else:
        form = ngettext(
            "{n_open:,} of {n:,} blanks is open: the model ended its answer without a word for it.",
            "{n_open:,} of {n:,} blanks are open: the model ended its answer without a word for "
            "them.",
            n_open,
        )
    return form.format(n_open=n_open, n=n)
