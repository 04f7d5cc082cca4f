"""Whether somebody still waits for work: what was heard of their tab, and when.

A tab that is closed says so. One that crashes, or whose network is gone, says nothing: its bar of
progress, which asks at least every few seconds also where the tab is hidden, is not heard of.
"""

from __future__ import annotations

import time
from contextlib import suppress
from threading import Event

from streamlit.runtime import Runtime

UNHEARD_S = 10.0
"""A tab that was not heard of for so long is not waited for. Bars of a class are answered after two
seconds at most and ask again at once, so the network and the server may take eight."""
LEFT_AFTER_S = 8.0
"""A page that has said that it is being closed is waited for so long: it may come back."""
ELSEWHERE_S = 120.0
"""Somebody who looks at another page meanwhile is waited for so long."""


class Attendance:
    """What is heard of one tab that waits for work.

    As long as its bar asks, the bar alone says whether the tab is there: a script of the page goes
    on for a while where there is nobody to see what it draws. Without a bar the tab is there as
    long as it is connected, for a while after its page has last asked.

    Args:
        session: Streamlit's session of the tab, None where there is none.

    Attributes:
        heard: Set when something is heard; who waits for that clears it.
    """

    def __init__(self, session: str | None) -> None:
        self._session = session
        self.heard = Event()
        self._page_asked = self._connected = self.last = time.monotonic()
        self._bar_asked: float | None = None

    def page_asks(self) -> None:
        """Take in that a script of the page asks."""
        self._page_asked = time.monotonic()
        self._hear()

    def bar_asks(self) -> None:
        """Take in that the bar on the page asks."""
        self._bar_asked = time.monotonic()
        self._hear()

    def bar_goes(self) -> None:
        """Take in that the bar is taken off the page, which may go on without it."""
        self._bar_asked = None
        self.page_asks()

    def closes(self) -> None:
        """Take in that the page is being closed: unless it asks again it is soon gone."""
        self._bar_asked = time.monotonic() - UNHEARD_S + LEFT_AFTER_S

    @property
    def is_there(self) -> bool:
        """Whether the tab is to be waited for."""
        now = time.monotonic()
        if self._bar_asked is not None:
            return now - self._bar_asked <= UNHEARD_S
        if self._is_connected:
            self._connected = now
        return now - self._connected <= UNHEARD_S and now - self._page_asked <= ELSEWHERE_S

    @property
    def _is_connected(self) -> bool:
        if self._session is not None:
            # Outside a server, or where it is just being taken down, nobody can be cut off.
            with suppress(RuntimeError):
                return bool(Runtime.instance().is_active_session(self._session))
        return True

    def _hear(self) -> None:
        self.last = time.monotonic()
        self.heard.set()
