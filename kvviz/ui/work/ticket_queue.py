"""A fair line: so many at a time, first come, first served, and everyone can see their place."""

from __future__ import annotations

import time
from collections import deque
from threading import Condition

_REMEMBERED = 8


class Ticket:
    """A place in the line, to be given back when done or no longer wanted."""


class TicketQueue:
    """Let `n_places` holders in at a time, in the order in which they came.

    Args:
        n_places: Holders at a time, at least 1.
    """

    def __init__(self, n_places: int) -> None:
        self._n_places = n_places
        self._inside: dict[Ticket, float] = {}
        self._stays: deque[float] = deque(maxlen=_REMEMBERED)
        self._waiting: deque[Ticket] = deque()
        self._changed = Condition()

    def join(self) -> Ticket:
        """Take a ticket at the end of the line."""
        ticket = Ticket()
        with self._changed:
            self._waiting.append(ticket)
            self._let_in()
        return ticket

    def wait(self, ticket: Ticket, timeout: float) -> bool:
        """Wait until the ticket is inside, at most so many seconds; return whether it is."""
        with self._changed:
            return self._changed.wait_for(lambda: ticket in self._inside, timeout)

    def place(self, ticket: Ticket) -> int:
        """Return how many go before: 0 when inside, 1 when next."""
        with self._changed:
            return self._waiting.index(ticket) + 1 if ticket in self._waiting else 0

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
            before = self._waiting.index(ticket) + len(self._inside)
            return before / self._n_places * sum(self._stays) / len(self._stays)

    def leave(self, ticket: Ticket) -> None:
        """Give the ticket back, from inside or out of the line."""
        with self._changed:
            begun = self._inside.pop(ticket, None)
            if begun is not None:
                self._stays.append(time.monotonic() - begun)
            if ticket in self._waiting:
                self._waiting.remove(ticket)
            self._let_in()

    def _let_in(self) -> None:
        while self._waiting and len(self._inside) < self._n_places:
            self._inside[self._waiting.popleft()] = time.monotonic()
        self._changed.notify_all()
