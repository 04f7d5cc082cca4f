"""A server on the loopback that answers each run by its script, as replicas do and do not."""

from __future__ import annotations

from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

from kvviz.serving.endpoint import MESSAGES_TYPE
from kvviz.serving.frame import prefixed, unframed
from kvviz.serving.run_messages import to_bytes

Script = Callable[["Answer"], None]


class Answer(BaseHTTPRequestHandler):
    """What scripts write to."""

    protocol_version = "HTTP/1.1"
    server: ScriptedReplicas

    def do_GET(self):
        """Say that the proxy is there, unless it is to hang."""
        if self.server.hangs:
            self.server.ended.wait(30)
        self._whole(200)

    def do_POST(self):
        data = self.rfile.read(int(self.headers["content-length"]))
        if self.path == "/wish":
            self.server.wishes.append(unframed(data)[0])
            self._whole(204)
        else:
            self.server.asked.append((self.path, self.headers, data))
            self.server.scripts.pop(0)(self)

    def begin(self, status=200, kind=MESSAGES_TYPE):
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()

    def chunk(self, data: bytes):
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))

    def end(self):
        self.chunk(b"")

    def cut(self):
        """Break off, as where a replica dies."""
        self.close_connection = True

    def _whole(self, status):
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class ScriptedReplicas(ThreadingHTTPServer):
    """Listens while it is entered.

    Attributes:
        scripts: How the next requests for runs are answered, one after the other.
        asked: What they were: path, headers and body.
        wishes: What was wanted of runs meanwhile.
        hangs: Whether the proxy itself answers nothing more.
        ended: Set when the test is over; scripts that hang wait for it.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, *scripts: Script, hangs: bool = False, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Answer)
        self.scripts = list(scripts)
        self.asked = []
        self.wishes = []
        self.hangs = hangs
        self.ended = Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"

    def __enter__(self):
        Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.shutdown()
        self.server_close()


def tells(*parts, breaks=False, first_after_s=0.0) -> Script:
    """Return a script that sends messages; what can be called is called, with the answer."""

    def script(answer: Answer) -> None:
        answer.server.ended.wait(first_after_s)
        answer.begin()
        for part in parts:
            if callable(part):
                part(answer)
            else:
                answer.chunk(prefixed(to_bytes(part)))
        if breaks:
            answer.cut()
        else:
            answer.end()

    return script


def answers(status, body=b"<p>Hello</p>", kind="text/html") -> Script:
    """Return a script that answers as something else might."""

    def script(answer: Answer) -> None:
        answer.begin(status, kind)
        answer.chunk(body)
        answer.end()

    return script


def raw(data: bytes) -> Script:
    """Return a script that sends bytes that are no HTTP, or none, and ends."""

    def script(answer: Answer) -> None:
        answer.wfile.write(data)
        answer.cut()

    return script


def hangs(answer: Answer) -> None:
    """Say nothing more."""
    answer.server.ended.wait(30)
