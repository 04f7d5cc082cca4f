"""A real local Ray, on the loopback alone; `make test-ray` runs these tests.

They are left out of every other run of pytest, since they need Ray, which has an environment of
its own: the app has none.
"""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Timer

import pytest

from tests.ray import processes

SAYS = "kvviz: "
HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PYTHON = ROOT / ".venv-ray" / "bin" / "python"
PATIENCE_S = 120
"""Ray has been seen to take 40 s to begin, on two busy cores."""

TOKEN = secrets.token_hex(32)
"""By which also all processes of these tests are known: it stands in their environment."""
ON_THE_LOOPBACK = {
    # Ray takes an address of the machine's on Linux, and the loopback where no cluster can be.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    # By itself Serve kills a proxy that is not there in 5 s, and gives up after the third: two slow
    # cores that do something else besides take longer over its imports.
    "RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S": "60",
    "RAY_AUTH_MODE": "token",
    "RAY_AUTH_TOKEN": TOKEN,
    "KVVIZ_THREADS": "1",
}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave these tests out unless they are asked for by their mark."""
    if "ray" in (config.option.markexpr or ""):
        return
    left_out = [item for item in items if HERE in item.path.parents]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


class Cluster:
    """A Ray with a proxy at a port that stays the same, however often it is started."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def start(self, n_replicas: int) -> None:
        """Begin to start it."""
        self._process = subprocess.Popen(
            [PYTHON, "-m", "tests.ray.cluster", f"{self.port}", f"{n_replicas}"],
            cwd=ROOT,
            env=os.environ | ON_THE_LOOPBACK | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def wait(self) -> None:
        """Wait until its proxy listens."""
        assert self._said() == "listens"

    def maker(self, run: str) -> int:
        """Return the process that makes a run, 0 if none does."""
        self._process.stdin.write(f"{run}\n")
        self._process.stdin.flush()
        return int(self._said())

    def _said(self) -> str:
        # One that hangs is not waited for.
        giving_up = Timer(PATIENCE_S, self._process.kill)
        giving_up.start()
        lines = (line for line in self._process.stdout if line.startswith(SAYS))
        said = next(lines, "").removeprefix(SAYS).strip()
        giving_up.cancel()
        return said

    def kill(self) -> None:
        """End all its processes as a machine does that loses its power."""
        whole, until = processes.started_with(TOKEN), time.monotonic() + PATIENCE_S
        while left := processes.alive(whole | processes.started_with(TOKEN)):
            assert time.monotonic() < until, left
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.01)
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()

    def stop(self) -> None:
        """End it as it ends by itself, and see that nothing is left of it."""
        whole = processes.started_with(TOKEN)
        assert len(whole) > 5
        self._process.stdin.close()
        until = time.monotonic() + PATIENCE_S
        while processes.alive(whole) and time.monotonic() < until:
            self._process.poll()
            time.sleep(0.05)
        assert processes.alive(whole) == {}


@pytest.fixture(scope="session")
def begun() -> Iterator[Cluster]:
    """A Ray with two replicas that begins; what else takes long can be done meanwhile."""
    cluster = Cluster()
    cluster.start(2)
    try:
        yield cluster
        cluster.stop()
    finally:
        cluster.kill()


@pytest.fixture(scope="session")
def cluster(begun: Cluster) -> Cluster:
    """The one whose proxy listens."""
    begun.wait()
    return begun
