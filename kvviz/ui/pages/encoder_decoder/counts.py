"""Counts with their nouns, as they stand in products such as “6 layers × 8 heads”."""

from __future__ import annotations

from kvviz.translation import ngettext


def in_layers(n: int) -> str:
    """Return a number of layers."""
    return ngettext("{n:,} layer", "{n:,} layers", n).format(n=n)


def in_heads(n: int) -> str:
    """Return a number of heads."""
    return ngettext("{n:,} head", "{n:,} heads", n).format(n=n)


def in_tokens(n: int) -> str:
    """Return a number of tokens."""
    return ngettext("{n:,} token", "{n:,} tokens", n).format(n=n)


def in_rows(n: int) -> str:
    """Return a number of rows."""
    return ngettext("{n:,} row", "{n:,} rows", n).format(n=n)


def in_steps(n: int) -> str:
    """Return a number of steps."""
    return ngettext("{n:,} step", "{n:,} steps", n).format(n=n)
