"""How the browser of the browser tier is started: the one that the command line draws with.

`python -m tests.browser.chromium` says in words what to install where there is none.
"""

from __future__ import annotations

import sys

from kvviz.errors import BrowserError
from kvviz.player.headless import QUIETLY, find_browser

ARGUMENTS = [
    *QUIETLY,
    "--no-sandbox",
    # What would leave the machine fails, and a failure is heard of (`visit.py`).
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE localhost",
    # Only what is run very often is optimised: a page that is left after seconds does not earn what
    # that costs by default, a tenth of all its work (2.66 s of the processor, and 2.40 with this).
    "--js-flags=--invocation-count-for-maglev=4000 --invocation-count-for-turbofan=30000",
]

MISSING = (
    "The browser tests need Chromium or Chrome, and none was found.\n"
    "On Debian: sudo apt install chromium-headless-shell (or chromium; on Ubuntu: chromium)\n"
    "Elsewhere: install one; name it with KVVIZ_CHROMIUM=/path/to/it if it is not on PATH.\n"
    "Everything but the browser tests: make test-fast"
)


def find_chromium() -> str:
    """Return the path of a Chromium or Chrome: KVVIZ_CHROMIUM, or the first that is installed.

    A headless shell is half the time of this tier: a page takes half the work or less.

    Raises:
        FileNotFoundError: With what to install.
    """
    try:
        return find_browser()
    except BrowserError:
        raise FileNotFoundError(MISSING) from None


if __name__ == "__main__":
    try:
        find_chromium()
    except FileNotFoundError as error:
        sys.exit(str(error))
