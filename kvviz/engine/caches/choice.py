"""Which way of keeping rows a run is asked to use, and how its trace will name it."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any, cast

from kvviz.engine.caches.full import Full
from kvviz.engine.caches.protocol import KVCache
from kvviz.engine.caches.recomputed import Recomputed
from kvviz.errors import OptionsError
from kvviz.trace.named_cache import NamedCache
from kvviz.translation import N_
from kvviz.translation import gettext as _

_FIX = N_("Take one of kvviz.caches, such as caches.Full(), or leave it to use_cache.")


def chosen_cache(cache: object, use_cache: object) -> KVCache:
    """Return the way of keeping rows that is asked for, by itself or by on and off.

    Raises:
        OptionsError: If it is none, or `use_cache` is neither on nor off, or says the contrary.
    """
    if type(use_cache) is not bool:
        raise OptionsError(
            _("The cache must be on (True) or off (False)."),
            found=_("Found {found!r}.").format(found=use_cache)[:200],
            fix=_("Change it and run again."),
        )
    if cache is None:
        return Full() if use_cache else Recomputed()
    if isinstance(cache, type) or not is_dataclass(cache) or not hasattr(cache, "rows"):
        raise OptionsError(
            _("A cache must be a description of a way of keeping rows."),
            found=_("Found {found!r}.").format(found=cache)[:200],
            fix=_(_FIX),
        )
    found = cast("KVCache", cache)
    if found.keeps_rows and not use_cache:
        raise OptionsError(
            _("A run cannot use a cache and none."),
            found=_("Found use_cache=False beside {cache!r}.").format(cache=cache)[:200],
            fix=_("Leave out one of the two."),
        )
    return found


def is_for_every_decoder(cache: KVCache) -> bool:
    """Return whether a way of keeping rows minds windows and a T5's distances; see `KVCache`."""
    return getattr(cache, "for_every_decoder", False)


def named_cache(cache: KVCache) -> NamedCache | None:
    """Return what a trace says of a way of keeping rows, or None where on and off say it.

    Raises:
        OptionsError: If its name or its settings cannot be written down.
    """
    if type(cache) in (Full, Recomputed):
        return None
    described: Any = cache
    settings = tuple((one.name, getattr(cache, one.name)) for one in fields(described))
    return NamedCache(cache.name, settings)
