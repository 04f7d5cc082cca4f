"""Shares of a position's numbers that are kept, and how they are said to the engine."""

from __future__ import annotations

from kvviz.ui.pages.cache_lab.settings import SIXTEENTHS

LATENT, APART = "latent-{share}", "apart-{share}"  # not for people: names in a record
"""What a share of one row, and of keys and values apart, is called."""


def rank_of(width: int, sixteenths: int) -> int:
    """Return how many numbers a share of a row is, at least two."""
    return max(2, width * sixteenths // 16)


def words(width: int, sixteenths: int) -> tuple[str, str]:
    """Return one latent row of a share, and keys and values apart in as many, for the engine."""
    rank = rank_of(width, sixteenths)
    return f"latent:{rank}", f"low-rank:{rank - rank // 2}/{rank // 2}"


def every_share(width: int) -> dict[str, str]:
    """Return every share in the engine's words: in one row by `LATENT`, apart by `APART`.

    Args:
        width: Numbers of the keys and values of a position in a layer.
    """
    return {
        name.format(share=share): way
        for share in SIXTEENTHS
        for name, way in zip((LATENT, APART), words(width, share), strict=True)
    }
