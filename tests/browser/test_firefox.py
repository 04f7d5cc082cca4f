"""The journeys that are made most, once more in Firefox, and a lesson in a room.

Playwright drives no Firefox but its own, so Puppeteer does, over WebDriver BiDi: node makes the
journeys of `firefox/journeys.test.mjs` one after the other, and each that it tells of is a test.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from kvviz.player import export_html
from tests.browser.pace import SLOWNESS
from tests.browser.server import ROOT
from tests.factories import make_trace

pytestmark = pytest.mark.browser

FILE = Path(__file__).parent / "firefox" / "journeys.test.mjs"
JOURNEYS = re.findall(r'^journey\("([^"]+)"', FILE.read_text(encoding="utf-8"), re.MULTILINE)
NAMES = ("firefox-esr", "firefox")
TOLD = re.compile(r"(?P<failed>not )?ok \d+ - (?P<name>[^#]+?)\s*(#.*)?")


def missing() -> str | None:
    """Return what these tests lack on this machine, and how to get it."""
    if not shutil.which("node"):
        return "Node.js 20 or newer is not here: https://nodejs.org"
    if not (ROOT / "node_modules" / "puppeteer-core").is_dir():
        return "puppeteer-core is not here: npm ci"
    if not find_firefox():
        return (
            "Firefox is not here (on Debian: sudo apt install firefox-esr); or name KVVIZ_FIREFOX"
        )
    return None


def find_firefox() -> str | None:
    """Return the path of Firefox: KVVIZ_FIREFOX, or the first on the PATH."""
    named = os.environ.get("KVVIZ_FIREFOX")
    found = (shutil.which(name) for name in ([named] if named else NAMES))
    return next((path for path in found if path), None)


class Journeys:
    """The journeys as node makes them, and what it has told of them so far."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._lines = process.stdout
        self._told: dict[str, str | None] = {}

    def complaint(self, name: str) -> str | None:
        """Wait until a journey is over; return what went wrong in it, or None."""
        while name not in self._told:
            line = next(self._lines, None)
            assert line is not None, f"node ended before it came to “{name}”"
            if told := TOLD.fullmatch(line.rstrip()):
                self._told[told["name"]] = self._details() if told["failed"] else None
        return self._told[name]

    def _details(self) -> str:
        """Read the lines that TAP puts below a failure, between --- and three dots."""
        details = []
        for line in self._lines:
            if line.strip() == "...":
                break
            details.append(line)
        return "".join(details)


@pytest.fixture(scope="module")
def journeys(address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journeys]:
    """Start them on the shared app. Where there is no Firefox they are left out, in words."""
    if lacks := missing():
        # Where all is to be tested, nothing is left out in silence.
        (pytest.fail if os.environ.get("CI") else pytest.skip)(lacks)
    file = tmp_path_factory.mktemp("taken-away") / "run.html"
    export_html(make_trace(n_prompt=9, n_new=5), file)
    process = subprocess.Popen(
        ["node", "--test-reporter=tap", str(FILE)],
        env=os.environ
        | {
            "KVVIZ_ADDRESS": address,
            "KVVIZ_FILE": str(file),
            "KVVIZ_FIREFOX": find_firefox() or "",
            "KVVIZ_SLOWNESS": str(SLOWNESS),
        },
        stdout=subprocess.PIPE,
        text=True,
    )
    yield Journeys(process)
    process.terminate()
    process.wait(timeout=30)


@pytest.mark.parametrize("name", JOURNEYS)
def test_in_firefox(journeys: Journeys, name: str):
    complaint = journeys.complaint(name)
    assert complaint is None, f"\n{complaint}"


def test_there_are_thirteen():
    assert len(JOURNEYS) == len(set(JOURNEYS)) == 13
