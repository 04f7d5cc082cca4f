"""What a model's predictions of a text cost it: bits a token, perplexity, bits a character.

A loss is the surprise at the token that really stands there: ``-log2 p``. It is 0 bits where the
model was certain and right, 1 bit where the token was as likely as a side of a coin, and
``log2(d_vocab)`` bits where every token of the vocabulary seemed as likely as any other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float64, Int64

from kvviz.errors import TraceError
from kvviz.trace import EncodingTrace
from kvviz.translation import gettext as _
from kvviz.translation import ngettext

Objective = Literal["next-token", "masked-token"]


def objective(encoding: EncodingTrace) -> Objective:
    """Return what the predictions of an encoding are asked for: the next token, or their own."""
    return "next-token" if encoding.model.architecture == "decoder" else "masked-token"


def label_bits(encoding: EncodingTrace) -> Float64[np.ndarray, " position"]:
    """Return the loss of the prediction at each position, in bits; NaN where nothing is asked.

    Source: Shannon (1951), "Prediction and Entropy of Printed English".
    """
    return -encoding.label_logprobs.astype(np.float64) / math.log(2) + 0.0


def label_positions(encoding: EncodingTrace) -> Int64[np.ndarray, " signal"]:
    """Return the positions of the tokens that the model is judged by, ascending.

    The next token for GPT-2, so every token but the first; the hidden ones for BERT.
    """
    asked = np.flatnonzero(encoding.label_ids >= 0)
    return asked + (objective(encoding) == "next-token")


def label_ranks(encoding: EncodingTrace) -> Int64[np.ndarray, " position"]:
    """Return how high the model ranked each label, 1 for its likeliest token.

    Returns:
        One rank a position; 0 where nothing is asked, or the label is not among the tokens that
        the encoding recorded.
    """
    if not encoding.top_ids.shape[1]:
        return np.zeros(encoding.label_ids.size, dtype=np.int64)
    hits = encoding.top_ids == encoding.label_ids[:, None]
    ranks = np.where(hits.any(axis=1), hits.argmax(axis=1) + 1, 0)
    return np.where(encoding.label_ids >= 0, ranks, 0).astype(np.int64)


@dataclass(frozen=True)
class LossSummary:
    """What all predictions of one pass come to.

    Attributes:
        n_tokens: Tokens that went through the model, special ones included.
        n_signals: Predictions that had a token to be judged by.
        total_bits: Their losses together.
        n_characters: Characters of the text that the judged tokens cover.
        is_whole_text: Whether every token but the first was judged, each by the tokens before it
            alone. Only then do the losses add up to the surprise at the text.
    """

    n_tokens: int
    n_signals: int
    total_bits: float
    n_characters: int
    is_whole_text: bool

    @property
    def mean_bits(self) -> float:
        """Bits a judged token."""
        return self.total_bits / self.n_signals

    @property
    def perplexity(self) -> float:
        """Two to the mean bits: the model was as unsure as a fair draw among so many tokens.

        Source: Jelinek et al. (1977), "Perplexity: a measure of the difficulty of speech
        recognition tasks".
        """
        return 2.0**self.mean_bits

    @property
    def bits_per_character(self) -> float | None:
        """Bits a character, which does not depend on how the text is cut into tokens.

        None where the losses do not add up to the surprise at the text, or no character is
        covered.
        """
        if not self.is_whole_text or not self.n_characters:
            return None
        return self.total_bits / self.n_characters


def loss_summary(encoding: EncodingTrace) -> LossSummary:
    """Add up the losses of an encoding.

    Characters are counted from the end of the first judged token's predecessor on: what the first
    token covers is given for free, and so is left out.

    Raises:
        TraceError: If nothing in it was judged.
    """
    bits = label_bits(encoding)
    judged = label_positions(encoding)
    if not judged.size:
        raise TraceError(
            _("There is no loss where nothing is predicted."),
            found=ngettext(
                "The encoding has {n} token and none is a label.",
                "The encoding has {n} tokens and none is a label.",
                encoding.token_ids.size,
            ).format(n=encoding.token_ids.size),
        )
    whole = (
        objective(encoding) == "next-token"
        and encoding.mask == "causal"
        and judged.size == encoding.token_ids.size - 1
    )
    covered = np.zeros(len(encoding.text), dtype=bool)
    for start, end in encoding.spans[judged]:
        covered[max(int(start), 0) : max(int(end), 0)] = True
    n_characters = int(covered.sum())
    if whole and covered.any():
        # Spaces between words may belong to no span, and the text owns them all the same. What
        # else belongs to none is the name of a special token, which nobody has written.
        first = max(int(encoding.spans[0, 1]), 0)
        n_characters = sum(
            owned or character.isspace()
            for owned, character in zip(covered[first:], encoding.text[first:], strict=True)
        )
    return LossSummary(
        n_tokens=int(encoding.token_ids.size),
        n_signals=int(judged.size),
        total_bits=float(np.nansum(bits)),
        n_characters=n_characters,
        is_whole_text=whole,
    )
