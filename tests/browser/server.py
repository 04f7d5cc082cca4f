"""The app as a person starts it: a process of its own, on a free port."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

from tests.one_thread import environment_of_an_app

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60


@contextmanager
def serving(*, timed_once: bool = False, **settings: str) -> Iterator[str]:
    """Start the app as README says and give its address; stop it afterwards.

    Args:
        timed_once: Whether nothing is made again for the sake of its times (`app_timed_once.py`).
        settings: Variables of the environment that the app reads; no others of its own are set.
    """
    with serving_process(timed_once=timed_once, **settings) as (address, _):
        yield address


@contextmanager
def serving_process(
    *, timed_once: bool = False, port: int | None = None, **settings: str
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """As `serving`, and give its process too; on a port of one's choice if one is named."""
    start = ["tests.browser.app_timed_once"] if timed_once else ["streamlit", "run", "app.py"]
    command = [sys.executable, "-m", *start, "--server.headless", "true", "--server.port"]
    with started_process(command, ROOT, environment_of_an_app(**settings), port) as both:
        yield both


@contextmanager
def started(command: list[str], folder: Path, environment: dict[str, str]) -> Iterator[str]:
    """As `started_process`, for who needs the address alone."""
    with started_process(command, folder, environment) as (address, _):
        yield address


@contextmanager
def started_process(
    command: list[str], folder: Path, environment: dict[str, str], port: int | None = None
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Start an app by a command that a port is added to; stop it afterwards.

    Gives its address and its process.

    Args:
        command: Starts it.
        folder: Where.
        environment: Its variables.
        port: The port; any that is free if None.
    """
    if port is None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
    with TemporaryFile("w+") as log:
        process = subprocess.Popen(
            [*command, str(port)], cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            address = f"http://localhost:{port}"
            until = time.monotonic() + PATIENCE_S
            while not _answers(f"{address}/_stcore/health"):
                if process.poll() is not None or time.monotonic() > until:
                    log.seek(0)
                    raise RuntimeError(f"The app did not start:\n{log.read()}")
                time.sleep(0.1)
            yield address, process
        finally:
            process.terminate()
            process.wait(timeout=PATIENCE_S)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False
