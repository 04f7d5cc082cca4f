"""Pictures of a run without a window: the player draws them in a browser that shows none.

The exported document is opened with a wish behind the ``#`` of its address; it draws, and writes
what it has drawn into itself (`kvviz/player/js/save_into_page.js`), where it is read.
"""

from __future__ import annotations

import base64
import html
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Timer
from urllib.parse import urlencode

from kvviz.errors import BrowserError, OptionsError
from kvviz.player.document import export_html
from kvviz.player.whole_file import write_whole
from kvviz.trace import CacheComparison, GenerationTrace
from kvviz.translation import gettext as _

# not for people: names of programs
BROWSERS = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "msedge",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
)
"""The shell comes first: it is the same engine without the windows around its pages."""

PATIENCE_S = 120.0
"""A browser that has said nothing for so long hangs: a frame takes it a tenth of a second."""

QUIETLY = (
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""Arguments of a browser that shows no window and asks nobody for anything but its page."""

_ARGUMENTS = (
    *QUIETLY,
    "--window-size=1440,900",
    "--enable-logging=stderr",
    # Virtual milliseconds: nothing waits, and the document holds the clock while it draws.
    "--virtual-time-budget=1000000000",
    "--dump-dom",
)
_PROGRESS = re.compile(rb'CONSOLE.*?"kvviz (\d+) (\d+)"')
_ELEMENT = re.compile(rb'<pre hidden="" data-kvviz="(saved-svg|saved-gif|refused)">([^<]*)</pre>')


def find_browser() -> str:
    """Return the path of a Chromium or Chrome: ``KVVIZ_CHROMIUM``, or the first that is installed.

    Raises:
        BrowserError: If there is none, with what to do.
    """
    named = os.environ.get("KVVIZ_CHROMIUM")
    for name in [named] if named else BROWSERS:
        path = shutil.which(name)
        if path:
            return path
    raise BrowserError(
        _("A picture is drawn by Chromium or Chrome, and neither was found."),
        found=_("KVVIZ_CHROMIUM names {path}.").format(path=named) if named else "",
        fix=_(
            "Install one, or name it with KVVIZ_CHROMIUM=/path/to/it; "
            "--html needs none, and the page in it saves pictures too."
        ),
    )


def save_pictures(
    run: GenerationTrace | CacheComparison,
    *,
    svg: Path | None = None,
    gif: Path | None = None,
    steps: tuple[int | None, int | None] = (None, None),
    told: Callable[[int, int], None] = lambda done, n_frames: None,
) -> None:
    """Draw the whole view of a run: its last step as SVG, its steps as an animated GIF, or both.

    Files of these names are replaced, and only once all of the new ones are complete.

    Args:
        run: The run, or the run with and without the cache.
        svg: Where to, for the SVG of the last of the steps.
        gif: Where to, for the animation.
        steps: The first and the last, both within; None means that of the run.
        told: Hears how many frames are made, and of how many.

    Raises:
        OptionsError: If the run has no such steps, or they are too many for one file.
        BrowserError: If there is no browser, or it did not draw.
        PayloadError: If the run cannot be drawn, or a file cannot be written.
    """
    trace = run.cached if isinstance(run, CacheComparison) else run
    last_step = len(trace.steps) - 1
    first, last = (0 if steps[0] is None else steps[0], last_step if steps[1] is None else steps[1])
    if not 0 <= first <= last <= last_step:
        raise OptionsError(
            _("The run has no such steps."),
            found=_("Found {first}:{last}; it has 0 to {last_step}.").format(
                first=first, last=last, last_step=last_step
            ),
            fix=_("Try --steps 0:{last_step}.").format(last_step=last_step),
        )
    wanted = {"saved-svg": svg, "saved-gif": gif}
    formats = [name.removeprefix("saved-") for name, path in wanted.items() if path]
    asked = urlencode({"save": ",".join(formats), "from": first, "to": last})
    browser = find_browser()
    with TemporaryDirectory(prefix="kvviz-", ignore_cleanup_errors=True) as folder:
        page = Path(folder, "run.html")
        export_html(run, page)
        drawn, said = _drawn(browser, f"{page.as_uri()}#{asked}", Path(folder), told)
    if "refused" in drawn:
        raise OptionsError(drawn["refused"])
    if missing := [name for name, path in wanted.items() if path and name not in drawn]:
        raise BrowserError(
            _("The browser did not draw the picture."),
            found=_("{browser} gave no {format}, and said last: {said}").format(
                browser=browser, format=missing[0].removeprefix("saved-").upper(), said=said or "–"
            ),
            fix=_("Name another one with KVVIZ_CHROMIUM=/path/to/it."),
        )
    for name, path in wanted.items():
        if path:
            write_whole(path, base64.b64decode(drawn[name].partition(",")[2]))


def _drawn(
    browser: str, address: str, folder: Path, told: Callable[[int, int], None]
) -> tuple[dict[str, str], str]:
    """Return what the document has written into itself, by name, and what the browser said last."""
    command = [browser, *_ARGUMENTS, f"--user-data-dir={folder / 'profile'}"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        # As root it refuses to start in its sandbox. The page is our own and asks for nothing.
        command.append("--no-sandbox")
    page, said = folder / "drawn.html", b""
    with (
        page.open("wb") as output,
        subprocess.Popen([*command, address], stdout=output, stderr=subprocess.PIPE) as process,
    ):
        assert process.stderr is not None
        line = b"\n"
        try:
            while line:
                watch = Timer(PATIENCE_S, process.kill)
                watch.daemon = True
                watch.start()
                line = process.stderr.readline()
                watch.cancel()
                if found := _PROGRESS.search(line):
                    told(int(found[1]), int(found[2]))
                said = line.strip() or said
        except BaseException:
            process.kill()
            raise
    drawn = {
        name.decode(): html.unescape(text.decode())
        for name, text in _ELEMENT.findall(page.read_bytes())
    }
    return drawn, said.decode(errors="replace")
