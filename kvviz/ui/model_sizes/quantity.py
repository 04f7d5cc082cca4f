"""Large numbers in words: bytes and parameters with their unit."""

from __future__ import annotations

_BYTES = ("B", "kB", "MB", "GB", "TB", "PB")
_COUNTS = ("", " thousand", " million", " billion", " trillion")


def in_bytes(number: int) -> str:
    """Return bytes in units of 10^3, three digits or so, as ``67.6 GB``.

    Example:
        >>> in_bytes(67_645_734_912)
        '67.6 GB'
    """
    return _scaled(number, _BYTES, " ")


def in_words(number: int) -> str:
    """Return a count, as ``405.9 billion``.

    Example:
        >>> in_words(6_049_792)
        '6.05 million'
    """
    return _scaled(number, _COUNTS, "")


def _scaled(number: int, units: tuple[str, ...], gap: str) -> str:
    power = 0
    # What would be rounded up to a thousand is given in the next unit.
    while power + 1 < len(units) and number >= 999.5 * 1000**power:
        power += 1
    scaled = number / 1000**power
    digits = 0 if not power else 2 if scaled < 10 else 1
    return f"{scaled:,.{digits}f}{gap}{units[power]}"
