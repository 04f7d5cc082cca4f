"""Hubs that hang, refuse, break off or answer with anything: one sentence, and soon.

The hub's own client asks a server on this machine; the network is not used.
"""

import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import huggingface_hub
import pytest
from huggingface_hub import constants

from kvviz.engine import load_model
from kvviz.engine.models import model_source
from kvviz.errors import KvvizError, ModelFilesError, NetworkError

SHA = "0123456789abcdef0123456789abcdef01234567"
INFO = {"_id": "1", "id": "some/name", "modelId": "some/name", "sha": SHA, "siblings": []}
SOON_S = 0.3
PATIENCE_S = 20.0


class Hub(BaseHTTPRequestHandler):
    """Answers by the mode that its server is in."""

    def do_GET(self) -> None:
        """Answer, or do not."""
        mode = self.server.mode
        if mode == "hangs":
            self.server.over.wait(PATIENCE_S)
            return
        if mode == "breaks off":
            self.connection.close()
            return
        if mode == "half a body":
            self._say(200, b'{"id": ', length=5000)
            return
        if isinstance(mode, int):
            self._say(mode, b"{}")
            return
        if mode == "garbage in its files":
            self._files()
            return
        self._say(200, mode if isinstance(mode, bytes) else json.dumps(mode).encode())

    do_HEAD = do_GET  # noqa: N815 - as http.server has it

    def _files(self) -> None:
        if "/tree/" in self.path:
            file = {"type": "file", "path": "config.json", "size": 9, "oid": SHA}
            self._say(200, json.dumps([file]).encode())
        elif self.path.startswith("/api/"):
            self._say(200, json.dumps(INFO).encode())
        else:
            self._say(200, b"<html></h")

    def _say(self, code: int, body: bytes, length: int | None = None) -> None:
        self.send_response(code)
        self.send_header("content-length", str(len(body) if length is None else length))
        self.send_header("content-type", "application/json")
        self.send_header("etag", f'"{SHA}"')
        self.send_header("x-repo-commit", SHA)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing on the console."""


@pytest.fixture
def hub(monkeypatch, tmp_path):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    server.daemon_threads, server.over, server.mode = True, threading.Event(), {}
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(constants, "ENDPOINT", address)
    template = address + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    for name in ("HF_HUB_ETAG_TIMEOUT", "HF_HUB_DOWNLOAD_TIMEOUT", "DEFAULT_REQUEST_TIMEOUT"):
        monkeypatch.setattr(constants, name, SOON_S)
    monkeypatch.setattr(model_source, "HUB_SILENT_S", SOON_S)
    huggingface_hub.close_session()
    yield server
    server.over.set()
    server.shutdown()
    server.server_close()
    huggingface_hub.close_session()


@pytest.mark.parametrize(
    ("mode", "kind", "words"),
    [
        ("hangs", NetworkError, r"hub cannot be reached.*0\.3 seconds"),
        ("breaks off", NetworkError, r"hub cannot be reached"),
        ("half a body", NetworkError, r"hub cannot be reached"),
        (b"<html>Log in to this hotel</html>", NetworkError, r"hub cannot be reached"),
        (b"\xff\xfe\x00", NetworkError, r"hub cannot be reached"),
        ([], NetworkError, r"hub cannot be reached"),
        ({}, NetworkError, r"hub cannot be reached"),
        ({"id": 7, "sha": {"a": []}, "siblings": 3}, NetworkError, r"hub cannot be reached"),
        (INFO, NetworkError, r"hub cannot be reached"),
        (401, NetworkError, r"answered with the error 401"),
        (429, NetworkError, r"answered with the error 429"),
        (503, NetworkError, r"answered with the error 503"),
        ("garbage in its files", ModelFilesError, r"config\.json is not JSON"),
    ],
    ids=str,
)
def test_what_stands_at_the_hubs_address_is_said(hub, mode, kind, words):
    hub.mode, since = mode, time.monotonic()
    with pytest.raises(KvvizError, match=words) as refused:
        load_model("some/name")
    assert isinstance(refused.value, kind)
    assert time.monotonic() - since < PATIENCE_S
    assert refused.value.fix
    assert len(str(refused.value)) < 500


def test_a_hub_that_refuses(hub, monkeypatch):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{port}")
    with pytest.raises(NetworkError, match="No connection to it could be made"):
        load_model("some/name")
