"""One thread of arithmetic for a process that tests, since there is a process a core.

Two workers that take two threads each on two cores wait for one another most of the time. It is set
before torch and numpy are loaded, and the app under test is started without it.
"""

from __future__ import annotations

import os

OF_LIBRARIES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def take_one_thread() -> None:
    """Let the libraries take one thread, and kvviz too, without timing which number is best."""
    for name in (*OF_LIBRARIES, "KVVIZ_THREADS"):
        os.environ[name] = "1"


def environment_of_an_app(**settings: str) -> dict[str, str]:
    """Return this process's environment without what is set for tests, and with these settings."""
    kept = {
        name: text
        for name, text in os.environ.items()
        if name not in OF_LIBRARIES and not name.startswith("KVVIZ_")
    }
    return kept | settings
