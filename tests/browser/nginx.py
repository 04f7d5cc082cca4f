"""nginx before processes of the app, by the very file that `deploy/` has."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.browser.server import PATIENCE_S, ROOT

CONF = ROOT / "deploy" / "kvviz.conf"
LOG = "/var/log/nginx/kvviz.log"
AROUND = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    {places}
    include {folder}/kvviz.conf;
}}
"""
PLACES = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


@dataclass
class Nginx:
    """nginx that runs.

    Attributes:
        address: Where it listens.
        folder: Of its files.
        pid: Its master's number.
    """

    address: str
    folder: Path
    pid: int

    @property
    def log(self) -> list[str]:
        """What was asked for, and who answered, a line each."""
        return (self.folder / "access.log").read_text().splitlines()


def find_nginx() -> str:
    """Return the path of nginx.

    Raises:
        FileNotFoundError: With how to get it.
    """
    found = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    if found is None:
        raise FileNotFoundError("nginx is not installed: apt-get install nginx-light")
    return found


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextmanager
def nginx_before(ports: Mapping[int, int], folder: Path) -> Iterator[Nginx]:
    """Start it, with other ports put into the file in the way that the file names; stop it after.

    Args:
        ports: For each port of the file the one to put in its place.
        folder: For what it writes.
    """
    text = CONF.read_text(encoding="utf-8")
    port = free_port()
    for named, real in ports.items():
        text = text.replace(f":{named}", f":{real}")
    # Nobody waits five seconds here for a process that is back.
    text = text.replace("fail_timeout=5s", "fail_timeout=1s")
    text = text.replace("listen 80;", f"listen 127.0.0.1:{port};")
    (folder / "kvviz.conf").write_text(text.replace(LOG, f"{folder}/access.log"), encoding="utf-8")
    places = "\n    ".join(f"{name}_temp_path {folder}/{name};" for name in PLACES)
    around = folder / "nginx.conf"
    around.write_text(AROUND.format(folder=folder, places=places), encoding="utf-8")
    command = [find_nginx(), "-c", str(around), "-p", str(folder)]
    if os.geteuid() == 0:
        command += ["-g", "user root;"]  # else somebody who may not write into the folder
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    try:
        until = time.monotonic() + PATIENCE_S
        while not _listens(port):
            if process.poll() is not None or time.monotonic() > until:
                said = process.stderr.read() if process.stderr is not None else b""
                raise RuntimeError(f"nginx did not start:\n{said.decode()}")
            time.sleep(0.05)
        yield Nginx(f"http://localhost:{port}", folder, process.pid)
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE_S)


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
