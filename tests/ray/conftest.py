"""A real local Ray, on the loopback alone; `make test-ray` runs these tests.

They are left out of every other run of pytest, since they need Ray.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]

ON_THE_LOOPBACK = {
    # Ray takes an address of the machine's on Linux, and the loopback where no cluster can be.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AUTH_MODE": "token",
    "RAY_AUTH_TOKEN": secrets.token_hex(32),
    "KVVIZ_THREADS": "1",
}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave these tests out unless they are asked for by their mark."""
    if "ray" in (config.option.markexpr or ""):
        return
    left_out = [item for item in items if HERE in item.path.parents]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """Where a Ray with two replicas listens."""
    os.environ.update(ON_THE_LOOPBACK)
    with subprocess.Popen(
        [sys.executable, "-m", "tests.ray.cluster"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as cluster:
        assert cluster.stdin is not None
        assert cluster.stdout is not None
        told = next((line for line in cluster.stdout if line.startswith("127.0.0.1:")), "")
        assert told, "Ray did not start on the loopback"
        yield told.strip()
        cluster.stdin.close()
        cluster.wait(60)
