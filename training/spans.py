"""Span corruption: runs of tokens replaced by sentinels, and the list of what they stand for.

Source: Raffel et al., "Exploring the Limits of Transfer Learning with a Unified Text-to-Text
Transformer", section 3.1.4, arXiv 1910.10683.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Int64

from training.models import IDS
from training.tokenizer import END_OF_TEXT, N_SENTINELS, SENTINELS

# More and shorter spans than the paper's 15 % and 3: on a small budget every token that is asked
# for counts, and short spans ask more often about what stands beside them.
CORRUPTED_SHARE = 0.2
MEAN_SPAN = 2.0


def most_spans(n_tokens: int) -> tuple[int, int]:
    """Returns how many tokens of a row are hidden when most are, and in how many spans."""
    n_hidden = max(1, round(CORRUPTED_SHARE * n_tokens))
    return n_hidden, min(N_SENTINELS, max(1, round(n_hidden / MEAN_SPAN)))


def corrupt_spans(
    row: Int64[np.ndarray, " position"], draw: np.random.Generator, n_spans: int | None = None
) -> tuple[Int64[np.ndarray, " source"], Int64[np.ndarray, " target"]]:
    """Hides a fifth of a row in spans of two tokens on average, longer ones in a long row.

    Args:
        row: Token ids. Where it is so long that there are not enough sentinels, spans get longer.
        draw: Gives where spans lie and how long each one is.
        n_spans: Hide so many spans, at most the usual number; that number if None.

    Returns:
        The source, in which sentinel i stands for span i, and the target, which names each
        sentinel and then its span. Both end with the end-of-text token.
    """
    n_hidden, most = most_spans(len(row))
    if n_spans is None:
        n_spans = most
    n_hidden = max(n_spans, round(n_hidden * n_spans / most))
    hidden = _split(n_hidden, n_spans, draw)
    # One part more than spans, and the last may be empty: a text may end with a blank or not.
    kept = _split(len(row) - n_hidden + 1, n_spans + 1, draw)
    source: list[int] = []
    target: list[int] = []
    at = 0
    for sentinel, n_kept, n_lost in zip(SENTINELS, kept, hidden, strict=False):
        source += [*row[at : at + n_kept], IDS[sentinel]]
        target += [IDS[sentinel], *row[at + n_kept : at + n_kept + n_lost]]
        at += n_kept + n_lost
    source += row[at:].tolist()
    end = IDS[END_OF_TEXT]
    return np.array([*source, end], dtype=np.int64), np.array([*target, end], dtype=np.int64)


def _split(total: int, parts: int, draw: np.random.Generator) -> list[int]:
    """Cuts a length into parts of at least one, all ways alike."""
    cuts = np.sort(draw.choice(total - 1, parts - 1, replace=False) + 1)
    return np.diff(cuts, prepend=0, append=total).tolist()
