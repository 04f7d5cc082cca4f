"""What a person waits for: the server's start, the first picture, and every frame of a scrub.

Everything is measured from outside, in a real Chromium that draws without a GPU, against a server
started as README says.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from playwright.sync_api import Page, Response, sync_playwright

from kvviz.analysis.spread import spread
from kvviz.player import html_document
from kvviz.published import model_home
from tests.browser.chromium import ARGUMENTS, find_chromium
from tests.browser.server import serving
from tests.factories import make_trace

DRAWN = "[data-kvviz=player][data-ready=true]"
ADDED = "kvviz/smollm2-135m"
"""Measured where it was added: thirty layers, so that a run is long enough to be watched."""
ADDED_LENGTHS = ((24, 32), (192, 64))
"""Words asked for, and new tokens."""
WORDS = (
    "the a one old small red cat dog girl boy bird tree house river hill road day night king queen "
    "friend ball boat garden song was had saw went said found took gave made liked wanted and but"
)
LENGTHS = (64, 256, 1024)
STEP_SEEN_MS = 600
"""How long the player shows a step happening (`player/js/motion.js`)."""

# Collects the time between frames until it is told to stop.
WATCH_FRAMES = """() => {
  const gaps = [];
  let last = 0, on = true;
  const tick = now => {
    if (last) gaps.push(now - last);
    last = now;
    if (on) requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
  window.stopFrames = () => { on = false; return gaps; };
}"""


@contextmanager
def _chromium() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
        try:
            yield browser.new_page(viewport={"width": 1440, "height": 900})
        finally:
            browser.close()


def measure_start(repeats: int = 3) -> dict[str, Any]:
    """Measure from starting the server to what a person sees first.

    Each repeat starts a fresh server process; the files it reads may be in the disk cache, so these
    are the times of a second start and later ones, not of the first after a reboot.

    Returns:
        Spreads in seconds: `start_to_player` (start page, stored run), and `start_to_own_run` (a
        deep link with a prompt of one's own, which waits for torch and the model).
    """
    seconds: dict[str, list[float]] = {"start_to_player": [], "start_to_own_run": []}
    own = "/kv_cache?" + urlencode({"prompt": "The old fox went to the river", "new": 16})
    with _chromium() as page:
        for _ in range(repeats):
            for name, path in (("start_to_player", "/"), ("start_to_own_run", own)):
                begin = time.perf_counter()
                with serving() as address:
                    page.goto(address + path)
                    page.wait_for_selector(DRAWN, timeout=120_000)
                    seconds[name].append(time.perf_counter() - begin)
    return {name: spread(values) for name, values in seconds.items()}


def measure_frames(folder: Path) -> list[dict[str, Any]]:
    """Measure frame times while the timeline is scrubbed, on random runs of the mini's shape.

    Args:
        folder: Where the offline pages that are scrubbed are written.

    Returns:
        One row a length: frames, the median and 95th percentile of milliseconds between frames
        (16.7 is every frame of a 60 Hz display), and messages to a server, which is none since
        the page has no server.
    """

    def scrub(page: Page) -> None:
        timeline = page.locator("[data-kvviz=player] [role=slider]").bounding_box()
        assert timeline is not None
        y = timeline["y"] + timeline["height"] / 2
        page.mouse.move(timeline["x"] + 4, y)
        page.mouse.down()
        page.evaluate(WATCH_FRAMES)
        for fraction in [i / 120 for i in (*range(121), *range(120, -1, -1))]:
            page.mouse.move(timeline["x"] + 4 + (timeline["width"] - 8) * fraction, y)

    return _frames_while(scrub, LENGTHS, folder)


def measure_motion(folder: Path) -> list[dict[str, Any]]:
    """Measure frame times while twenty steps in the middle of a run are seen happening.

    Args:
        folder: As `measure_frames`.

    Returns:
        One row, as of `measure_frames`.
    """

    def step(page: Page) -> None:
        for _ in range(128):
            page.keyboard.press("ArrowRight")
        page.wait_for_timeout(1000)
        page.evaluate(WATCH_FRAMES)
        for _ in range(20):
            page.keyboard.press("ArrowRight")
            page.wait_for_timeout(STEP_SEEN_MS)

    return _frames_while(step, (256,), folder)


def _frames_while(
    act: Callable[[Page], None], lengths: Sequence[int], folder: Path
) -> list[dict[str, Any]]:
    """Watch the frames from the moment that an act on a player begins to do so."""
    rows: list[dict[str, Any]] = []
    with _chromium() as page:
        for n_rows in lengths:
            trace = make_trace(n_prompt=8, n_new=n_rows - 7, n_layers=6, n_heads=8, d_head=32)
            document = folder / f"run-{n_rows}.html"
            document.write_text(html_document(trace), encoding="utf-8")
            page.goto(document.as_uri())
            page.wait_for_selector(DRAWN, timeout=60_000)
            act(page)
            gaps = sorted(page.evaluate("() => window.stopFrames()"))
            page.mouse.up()
            rows.append(
                {
                    "rows": n_rows,
                    "frames": len(gaps),
                    "frame_ms": spread(gaps),
                    "frame_ms_p95": gaps[int(0.95 * (len(gaps) - 1))],
                }
            )
    return rows


def measure_added(repeats: int = 5) -> list[dict[str, Any]]:
    """Measure what somebody waits for who runs a text of one's own on a published model.

    The server has loaded the model and has made a run of another text; each repeat types a text
    that nobody has asked for, so that nothing is taken from what is kept.

    Args:
        repeats: Runs of each length.

    Returns:
        One row a length; none where the model was not added. Seconds from the press of Run to the
        first drawing that is of this run (`first_step`) and to the whole run (`whole`), and the
        bytes of the largest buffer that the browser was sent for it.
    """
    if ADDED not in model_home.at_hand():
        return []
    rows: list[dict[str, Any]] = []
    with serving(KVVIZ_HOME=str(model_home.home())) as address, _chromium() as page:
        for n_words, n_new in ADDED_LENGTHS:
            first: list[float] = []
            whole: list[float] = []
            sent: list[int] = []
            asked = {"model": ADDED, "prompt": "Once upon a time", "new": n_new, "cache": "on"}
            page.goto(f"{address}/kv_cache?{urlencode(asked)}")
            page.wait_for_selector(f"{DRAWN}[data-n-steps='{n_new}']", timeout=300_000)

            def hear(response: Response, sent: list[int] = sent) -> None:
                if "octet-stream" in response.headers.get("content-type", ""):
                    sent.append(int(response.headers.get("content-length", 0)))

            page.on("response", hear)
            for number in range(repeats):
                words = random.Random(f"{n_words} {number}").choices(WORDS.split(), k=n_words)
                field = page.get_by_role("textbox", name="Prompt", exact=True)
                field.fill(" ".join(words))
                begin = time.perf_counter()
                page.get_by_role("button", name=re.compile("^Run")).click()
                page.wait_for_selector("[data-kvviz=player][data-growing]", timeout=120_000)
                first.append(time.perf_counter() - begin)
                page.wait_for_selector(
                    f"{DRAWN}[data-n-steps='{n_new}']:not([data-growing])", timeout=300_000
                )
                whole.append(time.perf_counter() - begin)
            page.remove_listener("response", hear)
            rows.append(
                {
                    "model": ADDED,
                    "asked": f"{n_words} words + {n_new} tokens",
                    "first_step": spread(first),
                    "whole": spread(whole),
                    "payload_bytes": max(sent, default=0),
                }
            )
    return rows
