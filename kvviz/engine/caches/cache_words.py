"""Ways of keeping rows as they are typed, such as ``window:60+4``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kvviz.engine import caches
from kvviz.engine.caches.protocol import KVCache
from kvviz.errors import OptionsError
from kvviz.translation import gettext as _

_SHORT = {"heavy": "heavy-hitters", "least": "least-attended"}
_WITH_SINKS = ("window", "random")
_ONE_NUMBER = {"latent": "rank", "paged": "block"}
_OF_KEYS_AND_VALUES = {
    "quantised": ("key_bits", "value_bits"),
    "low-rank": ("rank", "value_rank"),
}

WHOLE = "none"
"""In place of the bits of keys or of values: that part is kept whole."""


def cache_of(text: str) -> KVCache:
    """Return the way of keeping rows that a text describes.

    First its name, or the first word of that; then, behind a colon, its rows, with sinks behind a
    plus, and for each layer between slashes; then settings behind commas. In place of rows there
    may be bits or numbers, of keys and behind a slash of values, or positions of a block; of bits
    ``none`` says that a part is kept whole.

    Raises:
        OptionsError: If it describes none.
    """
    name, _colon, rest = text.partition(":")
    name = _SHORT.get(name, name)
    kind: Any = caches.ALL.get(name)
    if kind is None or name == "recomputed":
        raise _no_cache(
            text,
            _("Found {found!r}; known are {names}.").format(
                found=name,
                names=", ".join(one for one in caches.ALL if one != "recomputed"),
            ),
        )
    rows, *settings = rest.split(",") if rest else [""]
    amount, plus, sinks = rows.partition("+")
    given: dict[str, Any] = {}
    if plus:
        if name not in _WITH_SINKS:
            raise _no_cache(
                text, _("Only {names} take sinks.").format(names=", ".join(_WITH_SINKS))
            )
        given["sinks"] = _number(text, sinks)
    if (amount == "") != (name == "full"):
        raise _no_cache(
            text,
            _("It does not say how many rows.")
            if amount == ""
            else _("The full cache keeps every row, and takes no number."),
        )
    if amount:
        numbers = [
            None if one == WHOLE and name == "quantised" else _number(text, one)
            for one in amount.split("/")
        ]
        given["size" if name == "window" else "budget"] = numbers if "/" in amount else numbers[0]
    if name in _OF_KEYS_AND_VALUES:
        _say_of_both(text, given, *_OF_KEYS_AND_VALUES[name])
    if name in _ONE_NUMBER:
        given[_ONE_NUMBER[name]] = given.pop("budget")
    known = {one: kind.__dataclass_fields__[one] for one in kind.__dataclass_fields__}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals or key not in known or key in given:
            raise _no_cache(text, _("Found the setting {found!r}.").format(found=setting[:60]))
        given[key] = _value(value)
    return kind(**given)


def _say_of_both(text: str, given: dict[str, Any], keys: str, values: str) -> None:
    """Let what would be rows be of keys and of values, or one number for both."""
    found = given.pop("budget")
    of_keys, *rest = found if isinstance(found, list) else [found]
    of_values, *more = rest or [of_keys]
    if more:
        raise _no_cache(text, _("Its numbers are those of keys and of values, such as 2/4."))
    given |= {keys: of_keys, values: of_values}


def control_of(cache: KVCache) -> KVCache | None:
    """Return random rows of the same budget, sinks and share of recent rows; None for no control.

    A window is all recent, so that its control takes half of them, and the others by lot.
    """
    found: Any = cache
    makes: dict[type, Callable[[], KVCache]] = {
        caches.Window: lambda: caches.Random(found.size + found.sinks, sinks=found.sinks),
        caches.HeavyHitters: lambda: caches.Random(found.budget, recent=found.recent),
        caches.LeastAttended: lambda: caches.Random(found.budget, recent=0.0),
        caches.Observed: lambda: caches.Random(found.budget, recent=0.0, once=True),
    }
    make = makes.get(type(cache))
    return make() if make else None


def _number(text: str, found: str) -> int | float:
    try:
        return float(found) if "." in found else int(found)
    except ValueError:
        raise _no_cache(text, _("{found!r} is no number.").format(found=found[:60])) from None


def _value(found: str) -> Any:
    """Return a setting as it is meant: on, off, a number, or a word."""
    if found in ("on", "off"):
        return found == "on"
    for kind in (int, float):
        try:
            return kind(found)
        except ValueError:
            continue
    return found


def _no_cache(text: str, found: str) -> OptionsError:
    return OptionsError(
        _("{text!r} describes no cache.").format(text=text[:60]),
        found=found[:300],
        fix=_("Try window:60+4 or heavy:64."),
    )
