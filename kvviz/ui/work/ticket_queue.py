"""A fair line: so many at a time, by who has waited longest and had least, and a place for all."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass, field
from threading import Condition

_REMEMBERED = 8
HAD_IS_FORGOTTEN_AFTER_S = 300.0
"""What somebody had so long ago does not count any more."""


@dataclass(frozen=True, eq=False)
class Ticket:
    """A place in the line, to be given back when done or no longer wanted.

    Attributes:
        visitor: Whose it is.
        joined: When it was taken, by the clock of `time.monotonic`.
    """

    visitor: Hashable
    joined: float = field(default_factory=lambda: time.monotonic())


class TicketQueue:
    """Let `n_places` holders in at a time.

    Next is whoever has waited longest, less the time that the same visitor has been inside lately:
    one who asks again and again does not keep out others who ask once.

    Args:
        n_places: Holders at a time, at least 1.
    """

    def __init__(self, n_places: int) -> None:
        self._n_places = n_places
        self._inside: dict[Ticket, float] = {}
        self._stays: deque[float] = deque(maxlen=_REMEMBERED)
        self._had: deque[tuple[float, Hashable, float]] = deque()
        self._waiting: list[Ticket] = []
        self._changed = Condition()

    def join(self, visitor: Hashable = None) -> Ticket:
        """Take a ticket, of a visitor or, if it is None, of somebody who was never here before."""
        ticket = Ticket(object() if visitor is None else visitor)
        with self._changed:
            self._waiting.append(ticket)
            self._let_in()
        return ticket

    def rejoin(self, ticket: Ticket) -> None:
        """Get in line again with a ticket that was given back, where one would stand by now."""
        with self._changed:
            self._waiting.append(ticket)
            self._let_in()

    def wait(self, ticket: Ticket, timeout: float) -> bool:
        """Wait until the ticket is inside, at most so many seconds; return whether it is."""
        with self._changed:
            return self._changed.wait_for(lambda: ticket in self._inside, timeout)

    def place(self, ticket: Ticket) -> int:
        """Return how many go before: 0 when inside, 1 when next."""
        with self._changed:
            return self._in_order().index(ticket) + 1 if ticket in self._waiting else 0

    @property
    def has_room(self) -> bool:
        """Whether who joins now is let in at once."""
        return self.n_inside < self._n_places

    @property
    def n_inside(self) -> int:
        """How many are inside."""
        with self._changed:
            return len(self._inside)

    @property
    def n_waiting(self) -> int:
        """How many are in the line."""
        with self._changed:
            return len(self._waiting)

    def seconds(self, ticket: Ticket) -> float | None:
        """Return about how long a ticket has still to wait, by how long the last few stayed inside.

        Returns:
            Seconds; 0 when inside, None as long as nobody has left yet.
        """
        with self._changed:
            if ticket not in self._waiting:
                return 0.0
            if not self._stays:
                return None
            before = self._in_order().index(ticket) + len(self._inside)
            return before / self._n_places * sum(self._stays) / len(self._stays)

    def leave(self, ticket: Ticket) -> None:
        """Give the ticket back, from inside or out of the line."""
        with self._changed:
            begun = self._inside.pop(ticket, None)
            if begun is not None:
                now = time.monotonic()
                self._stays.append(now - begun)
                self._had.append((now, ticket.visitor, now - begun))
            if ticket in self._waiting:
                self._waiting.remove(ticket)
            self._let_in()

    def _in_order(self) -> list[Ticket]:
        """Return who waits, whoever is let in next first."""
        now = time.monotonic()
        while self._had and now - self._had[0][0] > HAD_IS_FORGOTTEN_AFTER_S:
            self._had.popleft()
        inside = ((one.visitor, now - begun) for one, begun in self._inside.items())
        had: dict[Hashable, float] = {}
        for visitor, seconds in (*(entry[1:] for entry in self._had), *inside):
            had[visitor] = had.get(visitor, 0.0) + seconds
        return sorted(self._waiting, key=lambda one: one.joined + had.get(one.visitor, 0.0))

    def _let_in(self) -> None:
        while self._waiting and len(self._inside) < self._n_places:
            ticket = self._in_order()[0]
            self._waiting.remove(ticket)
            self._inside[ticket] = time.monotonic()
        self._changed.notify_all()
