"""A connection whose other end has fallen silent is ended, whatever is still to be sent on it.

uvicorn asks each tab twice a minute whether it is there, and closes its connection where no answer
comes. To close is to send first what was written, and who reads nothing never lets that happen:
such a tab kept its connection and its place for as long as it liked, and a server that was told to
stop waited for it. What is left to be sent is thrown away here, and all goes as if the tab had been
closed.
"""

from __future__ import annotations

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

STOPS_WITHIN_S = 3.0
"""A server that stops says so to each tab; that and what was written before may take so long."""

_close = WebSocketsSansIOProtocol.keepalive_timeout
_stop = WebSocketsSansIOProtocol.shutdown


def _end(self: WebSocketsSansIOProtocol) -> None:
    _close(self)
    self.transport.abort()


def _stop_soon(self: WebSocketsSansIOProtocol) -> None:
    _stop(self)
    self.loop.call_later(STOPS_WITHIN_S, self.transport.abort)


def end_silent_peers() -> None:
    """Have uvicorn end them. It has chosen the class of connections when the app is imported."""
    WebSocketsSansIOProtocol.keepalive_timeout = _end
    WebSocketsSansIOProtocol.shutdown = _stop_soon
