"""Where the browser of the browser tier is, and how it is started.

`python -m tests.browser.chromium` says in words what to install where there is none.
"""

from __future__ import annotations

import os
import shutil
import sys

NAMES = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
)
"""The shell is the same engine without the windows of a desktop around its pages: a page takes half
the work or less, which on few cores is half the time of this tier."""

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
    "On Debian: sudo apt install chromium-headless-shell (or chromium; on Ubuntu: chromium)\n"
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
