"""The places for tabs: so many at a time, of all together and of one address."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from kvviz.ui.shell.mode import Mode
from kvviz.ui.shell.visitor import Visitor

KEPT_FOR_PAGE_S = 60.0
"""Who was given the page has this long to connect: a phone loads some megabytes first."""
KEPT_FOR_RELOAD_S = 10.0
"""Who has just left may come back: a page that is loaded anew is gone for a moment."""


Taken = Literal["", "all", "address"]
"""What stands in the way of one more tab: nothing, that all places are taken, or those of its
address."""


@dataclass(frozen=True)
class _Kept:
    visitor: Visitor
    until: float


class SessionPlaces:
    """Tabs that are there, and places that are kept for those on their way.

    It is used on the one loop of the server, by which all come and go.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._inside: Counter[Visitor] = Counter()
        self._kept: dict[str, _Kept] = {}

    def keep(self, visitor: Visitor, mode: Mode) -> Taken:
        """Keep a place for who asks for a page; return what stands in the way, if anything."""
        self._forget()
        taken = self._taken(visitor, mode)
        if not taken:
            self._keep(visitor, KEPT_FOR_PAGE_S)
        elif any(one.name == visitor.name for one in self._inside):
            # Their tab is about to give its own place back: the page is being loaded anew.
            return ""
        return taken

    def enter(self, visitor: Visitor, mode: Mode) -> bool:
        """Take in a tab that connects, if there is a place; its own, if one is kept for it."""
        self._forget()
        if self._taken(visitor, mode):
            return False
        self._kept.pop(visitor.name, None)
        self._inside[visitor] += 1
        return True

    def leave(self, visitor: Visitor) -> None:
        """Take in that a tab is gone."""
        self._inside[visitor] -= 1
        if self._inside[visitor] <= 0:
            del self._inside[visitor]
        self._keep(visitor, KEPT_FOR_RELOAD_S)

    def _keep(self, visitor: Visitor, seconds: float) -> None:
        if visitor.name:
            self._kept[visitor.name] = _Kept(visitor, self._clock() + seconds)

    def _forget(self) -> None:
        now = self._clock()
        for name in [name for name, one in self._kept.items() if one.until <= now]:
            del self._kept[name]

    def _taken(self, visitor: Visitor, mode: Mode) -> Taken:
        kept = [one.visitor for name, one in self._kept.items() if name != visitor.name]
        if mode.sessions is not None and self._inside.total() + len(kept) >= mode.sessions:
            return "all"
        n_near = sum(n for one, n in self._inside.items() if one.address == visitor.address)
        n_near += sum(one.address == visitor.address for one in kept)
        if mode.sessions_per_address is not None and n_near >= mode.sessions_per_address:
            return "address"
        return ""


session_places = SessionPlaces()
"""Those of this process."""
