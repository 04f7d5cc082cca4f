"""A fair line: so many at a time, first come, first served, and everyone can see their place."""

from __future__ import annotations

from collections import deque
from threading import Condition


class Ticket:
    """A place in the line, to be given back when done or no longer wanted."""


class TicketQueue:
    """Let `n_places` holders in at a time, in the order in which they came.

    Args:
        n_places: Holders at a time, at least 1.
    """

    def __init__(self, n_places: int) -> None:
        self._n_places = n_places
        self._inside: set[Ticket] = set()
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

    def leave(self, ticket: Ticket) -> None:
        """Give the ticket back, from inside or out of the line."""
        with self._changed:
            self._inside.discard(ticket)
            if ticket in self._waiting:
                self._waiting.remove(ticket)
            self._let_in()

    def _let_in(self) -> None:
        while self._waiting and len(self._inside) < self._n_places:
            self._inside.add(self._waiting.popleft())
        self._changed.notify_all()
