"""Numbers in words: bytes, counts, tokens, factors and times, each with its unit."""

from __future__ import annotations

from kvviz.translation import N_, ngettext
from kvviz.translation import gettext as _

NO_BREAK = "\u00a0"
"""A space that no line ends at, as between a number and its unit."""

_BYTES = ("B", "kB", "MB", "GB", "TB", "PB")
# Translators: {n} is a number with two or three digits, such as 6.05.
_COUNTS = (N_("{n} thousand"), N_("{n} million"), N_("{n} billion"), N_("{n} trillion"))


def in_bytes(number: int) -> str:
    """Return bytes in units of 10^3, three digits or so, as ``67.6 GB``.

    Example:
        >>> in_bytes(67_645_734_912)
        '67.6 GB'
    """
    text, power = _scaled(number, len(_BYTES))
    return f"{text} {_BYTES[power]}"


def in_words(number: int) -> str:
    """Return a count, as ``405.9 billion``.

    Example:
        >>> in_words(6_049_792)
        '6.05 million'
    """
    text, power = _scaled(number, len(_COUNTS) + 1)
    return _(_COUNTS[power - 1]).format(n=text) if power else text


def in_tokens(n: int) -> str:
    """Return a number of tokens, as ``1,024 tokens`` or ``1 token``."""
    return ngettext("{n:,} token", "{n:,} tokens", n).format(n=n)


def in_rows(n: int) -> str:
    """Return a number of rows, as ``1,024 rows`` or ``1 row``."""
    return ngettext("{n:,} row", "{n:,} rows", n).format(n=n)


def factor(number: float) -> str:
    """Return a factor with two or three digits, as ``4.3×`` or ``17×``.

    Example:
        >>> factor(4.26), factor(0.97), factor(502.5)
        ('4.3×', '0.97×', '502×')
    """
    if number < 0.995:
        return f"{number:.2f}×"
    return f"{number:.1f}×" if number < 9.95 else f"{number:,.0f}×"


def seconds(number: float) -> str:
    """Return a time with three digits or so, in s or ms.

    Example:
        >>> seconds(1.234), seconds(0.0123), seconds(25.31)
        ('1.23 s', '12.3 ms', '25.3 s')
    """
    if number < 1:
        milli = number * 1e3
        return f"{milli:.2f} ms" if milli < 10 else f"{milli:.1f} ms"
    return f"{number:.2f} s" if number < 10 else f"{number:,.1f} s"


def _scaled(number: int, n_units: int) -> tuple[str, int]:
    """Return a number in one of the units 1, 10^3, 10^6 …, and which power of 1,000 that is."""
    power = 0
    # What would be rounded up to a thousand is given in the next unit.
    while power + 1 < n_units and number >= 999.5 * 1000**power:
        power += 1
    scaled = number / 1000**power
    digits = 0 if not power else 2 if scaled < 10 else 1
    return f"{scaled:,.{digits}f}", power
