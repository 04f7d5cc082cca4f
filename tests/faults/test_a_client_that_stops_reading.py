"""A tab that asks for page after page and reads nothing of what it is sent."""

import os
import re
import socket
import struct
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from websockets.frames import Frame, Opcode

from tests.browser.server import serving_process

ASKS_S = 2
"""How often the server asks a tab whether it is there, and how long it waits for an answer; 30 s as
it ships."""
ENDS_WITHIN_S = 30
"""Twice as long, and what a busy machine takes to draw pages meanwhile."""
MOST_MB = 120
"""More than the server may take for one such tab: 85 were measured, 500 messages and what drawing
the page for the first time leaves behind. Sixty pages later they were 85 still."""
STOPS_WITHIN_S = 15
"""A server that is told to stop, with such a tab."""
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
    settings = {"STREAMLIT_SERVER_WEBSOCKET_PING_INTERVAL": f"{ASKS_S}", "PRELOAD": "no"}
    with serving_process(timed_once=True, **settings) as (address, process):
        assert "<title>" in get(address)
        held = megabytes(process.pid)
        # One that is cut off is gone at once.
        other = DeafTab(address)
        until(lambda: n_sessions(address) == 1, 10)
        other.is_cut_off()
        until(lambda: n_sessions(address) == 0, 10)
        deaf, peak, served = DeafTab(address), 0.0, 0
        begun = time.monotonic()
        while deaf.ask():
            peak = max(peak, megabytes(process.pid))
            served += "<title>" in get(address)
            assert time.monotonic() - begun < ENDS_WITHIN_S, "it keeps its connection for ever"
            time.sleep(0.1)
        assert served
        assert peak - held < MOST_MB
        until(lambda: n_sessions(address) == 0, 10)
        until(lambda: n_connections(address) == 0, 10)


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="reads Linux's /proc")
def test_a_server_that_is_told_to_stop_does_not_wait_for_it():
    with serving_process(timed_once=True, PRELOAD="no") as (address, process):
        deaf = DeafTab(address)
        # Until more is to be sent to it than lies in the sockets.
        until(lambda: deaf.ask() and n_sessions(address) == 0, ENDS_WITHIN_S)
        process.terminate()
        process.wait(STOPS_WITHIN_S)
