"""Requests that are held back, as on a machine that is busy or over a line that fails.

`Page.route` would do it too, but has the browser load all else without what it keeps: it then reads
and compiles Streamlit anew, which is as much work as the whole page with it.
"""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page


class HeldRequests:
    """Holds back what a page asks for at some addresses, until it is told what becomes of it.

    Attributes:
        urls: What was asked for so far, in this order.
    """

    def __init__(self, page: Page, addresses: str, answers: tuple[str, ...]) -> None:
        """Begin to hold back.

        Args:
            page: The tab.
            addresses: A pattern in which * stands for any letters and ? for one.
            answers: What becomes of the first, the second and so on, and of all after the last:
                "wait" until `let_go` or `fail`, "empty" (answered so) or "go".
        """
        self.urls: list[str] = []
        self._answers = answers
        self._waiting: list[str] = []
        self._session = page.context.new_cdp_session(page)
        self._session.on("Fetch.requestPaused", self._answer)
        self._session.send("Fetch.enable", {"patterns": [{"urlPattern": addresses}]})

    def _answer(self, paused: dict[str, Any]) -> None:
        answer = self._answers[min(len(self.urls), len(self._answers) - 1)]
        self.urls.append(paused["request"]["url"])
        asked = {"requestId": paused["requestId"]}
        if answer == "wait":
            self._waiting.append(paused["requestId"])
        elif answer == "empty":
            self._session.send("Fetch.fulfillRequest", asked | {"responseCode": 204})
        else:
            self._session.send("Fetch.continueRequest", asked)

    def let_go(self) -> None:
        """Let the oldest one that waits go its way."""
        self._session.send("Fetch.continueRequest", {"requestId": self._waiting.pop(0)})

    def fail(self) -> None:
        """Let the oldest one that waits fail, as where nobody answers."""
        failed = {"requestId": self._waiting.pop(0), "errorReason": "Failed"}
        self._session.send("Fetch.failRequest", failed)

    def end(self) -> None:
        """Hold back nothing any more, also not what still waits."""
        self._session.detach()
