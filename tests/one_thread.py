"""What a process that tests begins with: no model that was added, and one thread of arithmetic.

There is a process a core. Two workers that take two threads each on two cores wait for one another
most of the time. It is set before torch and numpy are loaded, and the app under test is started
without it.
"""

from __future__ import annotations

import os
from pathlib import Path

OF_LIBRARIES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


NO_HOME = str(Path(__file__).parent / "no-home")
"""Where no model was ever added: what a test sees is not what its machine has."""


def take_one_thread() -> None:
    """Let the libraries take one thread, and kvviz too, without timing which number is best."""
    for name in (*OF_LIBRARIES, "KVVIZ_THREADS"):
        os.environ[name] = "1"
    os.environ["KVVIZ_HOME"] = NO_HOME


def environment_of_an_app(**settings: str) -> dict[str, str]:
    """Return this process's environment without what is set for tests, and with these settings."""
    kept = {
        name: text
        for name, text in os.environ.items()
        if name not in OF_LIBRARIES and not name.startswith("KVVIZ_")
    }
    return kept | {"KVVIZ_HOME": NO_HOME} | settings
