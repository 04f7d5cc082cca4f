"""How much a named cache keeps, in the numbers that a person calls it by."""

from __future__ import annotations

from typing import Any

from kvviz.trace.named_cache import NamedCache


def kept_numbers(named: NamedCache) -> dict[str, Any]:
    """Return what the settings of a cache say of rows, sinks and bits; nothing where they do not.

    Returns:
        ``rows``: least and most that a query may read in each head of a layer, sinks among them;
        or ``shares``, likewise of the tokens of the run, above 0 and up to 1. ``sinks``: first rows
        that stay for good. ``bits``: of a number of a key, and of one of a value.
    """
    settings = dict(named.settings)
    numbers: dict[str, Any] = {}
    sinks = settings.get("sinks")
    if type(sinks) is int and sinks > 0:
        numbers["sinks"] = sinks
    found = settings.get("budget", settings.get("size"))
    amounts: list[Any] = list(found) if isinstance(found, tuple) else [found]
    if "budget" not in settings and type(found) is int:
        # The size of a window is that of its last rows.
        amounts = [found + numbers.get("sinks", 0)]
    for name, kind in (("rows", int), ("shares", float)):
        if amounts and all(type(amount) is kind for amount in amounts):
            numbers[name] = [min(amounts), max(amounts)]
    bits = [settings.get("key_bits"), settings.get("value_bits")]
    if all(type(one) is int for one in bits):
        numbers["bits"] = bits
    return numbers
