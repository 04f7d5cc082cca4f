"""A tab that asks for page after page and reads nothing of what it is sent."""

import os
import re
import socket
import struct
import time
import urllib.request
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

from kvviz.ui.shell import silent_peer
from tests.browser.server import serving_process

FULL_WITHIN_S = 30
"""What it takes to draw thirty pages, of which the sockets hold half: two seconds of a core."""
MOST_MB = 120
"""More than the server may take for one such tab: 88 were measured, most of them what drawing the
page for the first time leaves behind. Seven hundred requests later they were 88 still."""
STOPS_WITHIN_S = 15
"""A server that is told to stop, with such a tab. It took more than a minute."""
HANDSHAKE = (
    "GET /_stcore/stream HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Protocol: streamlit\r\n\r\n"
)
PAGE = BackMsg(rerun_script=ClientState(page_name="")).SerializeToString()


class DeafTab:
    """A connection as a tab has one, which reads nothing but that it was let in."""

    def __init__(self, address: str) -> None:
        at = urlsplit(address)
        self.socket = socket.socket()
        # As little as there can be on the way.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.settimeout(10)
        self.socket.connect((at.hostname, at.port))
        self.socket.sendall(HANDSHAKE.format(host=at.netloc).encode())
        assert self.socket.recv(12) == b"HTTP/1.1 101"

    def ask(self) -> bool:
        """Ask for the page once more; return whether there is still a connection."""
        try:
            self.socket.sendall(Frame(Opcode.BINARY, PAGE).serialize(mask=True))
        except OSError:
            return False
        return True

    def is_cut_off(self) -> None:
        """End the connection with what was not read, as the system does for a tab that crashes."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


def get(address: str) -> str:
    with urllib.request.urlopen(address, timeout=10) as answer:
        return answer.read().decode()


def n_sessions(address: str) -> int:
    """Sessions that the server takes to be there, as Streamlit counts them."""
    (found,) = re.findall(
        r"^active_sessions (\d+)", get(f"{address}/_stcore/metrics"), re.MULTILINE
    )
    return int(found)


def megabytes(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def n_connections(address: str) -> int:
    """Connections that the server's machine takes to be open on its port, as Linux lists them."""
    port, is_open = f":{urlsplit(address).port:04X}", "01"
    rows = [
        row.split()[1:4]
        for name in ("tcp", "tcp6")
        for row in Path(f"/proc/net/{name}").read_text().splitlines()[1:]
    ]
    return sum(here.endswith(port) and state == is_open for here, _, state in rows)


def until(holds, within_s: float) -> None:
    end = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="reads Linux's /proc")
def test_its_memory_is_bounded_others_are_served_and_it_is_let_go_of():
    with serving_process(timed_once=True, PRELOAD="no") as (address, process):
        assert "<title>" in get(address)
        held = megabytes(process.pid)
        # One that is cut off is gone at once.
        other = DeafTab(address)
        until(lambda: n_sessions(address) == 1, 10)
        other.is_cut_off()
        until(lambda: n_sessions(address) == 0, 10)
        # One that goes on is given nothing more where what waits for it is too much.
        deaf = DeafTab(address)
        until(lambda: deaf.ask() and n_sessions(address) == 1, 10)
        until(lambda: deaf.ask() and n_sessions(address) == 0, FULL_WITHIN_S)
        assert megabytes(process.pid) - held < MOST_MB
        for _ in range(50):
            deaf.ask()
        assert "<title>" in get(address)
        assert megabytes(process.pid) - held < MOST_MB
        assert n_connections(address) == 1
        # A server that stops waits for what it has written to somebody who reads.
        process.terminate()
        process.wait(STOPS_WITHIN_S)


class Connection(WebSocketsSansIOProtocol):
    """A connection whose other end says nothing, and has not taken what was sent."""

    def __init__(self):
        self.done = []
        self.transport = SimpleNamespace(
            is_closing=lambda: "close" in self.done,
            write=lambda data: self.done.append("write"),
            close=lambda: self.done.append("close"),
            abort=lambda: self.done.append("abort"),
        )
        self.loop = SimpleNamespace(call_later=lambda after_s, act: act())
        self.conn = ServerProtocol(state=OPEN)
        self.queue = SimpleNamespace(put_nowait=lambda message: None)
        self.logger = SimpleNamespace(level=99)
        self.close_sent, self.close_timer, self.handshake_complete = False, None, True
        self.ping_timer = self.pong_timer = None


@pytest.mark.parametrize("what", ["keepalive_timeout", "shutdown"])
def test_what_uvicorn_closes_for_want_of_an_answer_is_ended(what, monkeypatch):
    for name in ("keepalive_timeout", "shutdown"):
        kept = getattr(WebSocketsSansIOProtocol, name)
        monkeypatch.setattr(WebSocketsSansIOProtocol, name, kept)
    silent_peer.end_silent_peers()
    connection = Connection()
    getattr(connection, what)()
    # What the other end is told is written, and not waited for.
    assert connection.done == ["write", "close", "abort"]
