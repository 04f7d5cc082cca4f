"""Measured numbers in words: factors, seconds and milliseconds with their unit."""

from __future__ import annotations


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
