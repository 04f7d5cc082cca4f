"""Runs that were made, kept for everyone who asks for the same."""

from __future__ import annotations

import logging
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

if TYPE_CHECKING:
    from kvviz.engine import LoadedModel

MOST_BYTES = 512 * 2**20

Result = TypeVar("Result")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Kept(Generic[Result]):
    model: weakref.ref[LoadedModel]
    result: Result
    n_bytes: int


class RunStore(Generic[Result]):
    """Keep what runs came to, up to so many bytes; what nobody asked for longest goes first.

    A result is of one loaded model: another model by the same name, or the same one loaded anew
    from a folder that may have changed, has none.

    Attributes:
        n_bytes: What the kept results take, at most `most_bytes`.
        n_found: How often a result was asked for that was there.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._kept: OrderedDict[Hashable, _Kept[Result]] = OrderedDict()
        self._lock = Lock()
        self.n_bytes = 0
        self.n_found = 0

    def find(
        self, key: Hashable, model: LoadedModel, fits: Callable[[Result], bool]
    ) -> Result | None:
        """Return what a model's run came to, or None if there is none or it does not fit."""
        with self._lock:
            kept = self._kept.get(key)
            if kept is None or kept.model() is not model or not fits(kept.result):
                return None
            self._kept.move_to_end(key)
            self.n_found += 1
            log.info("A run was there already (%d so far, %d bytes kept).",
                     self.n_found, self.n_bytes)  # fmt: skip
            return kept.result

    def keep(self, key: Hashable, model: LoadedModel, result: Result) -> None:
        """Keep a result in place of an earlier one, unless it alone is larger than all may be."""
        n_bytes = array_bytes(result)
        with self._lock:
            self._drop(key)
            if n_bytes > self._most_bytes:
                return
            self._kept[key] = _Kept(weakref.ref(model), result, n_bytes)
            self.n_bytes += n_bytes
            while self.n_bytes > self._most_bytes:
                self._drop(next(iter(self._kept)))

    def forget(self) -> None:
        """Keep nothing any more."""
        with self._lock:
            for key in list(self._kept):
                self._drop(key)

    def _drop(self, key: Hashable) -> None:
        kept = self._kept.pop(key, None)
        if kept is not None:
            self.n_bytes -= kept.n_bytes


def array_bytes(thing: object) -> int:
    """Return the bytes of all arrays in a dataclass and in what it is made of."""
    if isinstance(thing, np.ndarray):
        return thing.nbytes
    if is_dataclass(thing):
        return sum(array_bytes(getattr(thing, name)) for name in _names(type(thing)))
    if isinstance(thing, list | tuple):
        return sum(array_bytes(part) for part in thing)
    return 0


@cache
def _names(kind: Any) -> tuple[str, ...]:
    """Return the names of a dataclass's fields; a run is made of hundreds of objects of few."""
    return tuple(field.name for field in fields(kind))
