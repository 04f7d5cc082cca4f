"""Span corruption: runs of tokens replaced by sentinels, and the list of what they stand for.

Source: Raffel et al., "Exploring the Limits of Transfer Learning with a Unified Text-to-Text
Transformer", section 3.1.4, arXiv 1910.10683.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Int64

from training.errors import RecipeError
from training.models import IDS
from training.tokenizer import END_OF_TEXT, N_SENTINELS, SENTINELS

CORRUPTED_SHARE = 0.15
MEAN_SPAN = 3.0


def corrupt_spans(
    row: Int64[np.ndarray, " position"], draw: np.random.Generator
) -> tuple[Int64[np.ndarray, " source"], Int64[np.ndarray, " target"]]:
    """Hides 15 % of a row in spans of three tokens on average.

    How many tokens and spans are hidden depends on the length of the row alone, so that all rows
    of a batch give the same shapes; where they lie and how long each one is, is drawn.

    Args:
        row: Token ids.
        draw: Gives the lengths.

    Returns:
        The source, in which sentinel i stands for span i, and the target, which names each
        sentinel and then its span. Both end with the end-of-text token.

    Raises:
        RecipeError: The row is so long that it needs more sentinels than there are.
    """
    n_hidden = max(1, round(CORRUPTED_SHARE * len(row)))
    n_spans = max(1, round(n_hidden / MEAN_SPAN))
    if n_spans > N_SENTINELS:
        raise RecipeError(
            f"A row of {len(row)} tokens is too long for span corruption.",
            found=f"It needs {n_spans} sentinels; the vocabulary has {N_SENTINELS}.",
            fix="Use rows of at most 512 tokens.",
        )
    hidden = _split(n_hidden, n_spans, draw)
    kept = _split(len(row) - n_hidden, n_spans, draw)
    source: list[int] = []
    target: list[int] = []
    at = 0
    for sentinel, n_kept, n_lost in zip(SENTINELS, kept, hidden, strict=False):
        source += [*row[at : at + n_kept], IDS[sentinel]]
        target += [IDS[sentinel], *row[at + n_kept : at + n_kept + n_lost]]
        at += n_kept + n_lost
    end = IDS[END_OF_TEXT]
    return np.array([*source, end], dtype=np.int64), np.array([*target, end], dtype=np.int64)


def _split(total: int, parts: int, draw: np.random.Generator) -> list[int]:
    """Cuts a length into parts of at least one, all ways alike."""
    cuts = np.sort(draw.choice(total - 1, parts - 1, replace=False) + 1)
    return np.diff(cuts, prepend=0, append=total).tolist()
