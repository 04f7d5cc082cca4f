"""Where the browser of the browser tier is, and how it is started.

`python -m tests.browser.chromium` says in words what to install where there is none.
"""

from __future__ import annotations

import os
import shutil
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

MISSING = (
    "The browser tests need Chromium or Chrome, and none was found.\n"
    "On Debian and Ubuntu: sudo apt install chromium\n"
    "Elsewhere: install one; name it with KVVIZ_CHROMIUM=/path/to/it if it is not on PATH.\n"
    "Everything but the browser tests: make test-fast"
)


def find_chromium() -> str:
    """Return the path of a Chromium or Chrome: KVVIZ_CHROMIUM, or the first on the PATH.

    Raises:
        FileNotFoundError: With what to install.
    """
    named = os.environ.get("KVVIZ_CHROMIUM")
    for name in [named] if named else NAMES:
        path = shutil.which(name)
        if path:
            return path
    raise FileNotFoundError(MISSING)


if __name__ == "__main__":
    try:
        find_chromium()
    except FileNotFoundError as error:
        sys.exit(str(error))
