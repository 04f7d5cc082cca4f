"""What a first visitor waits for on each page, beside an app of Streamlit's with one line of text.

Nobody has visited the server, which has drawn no page and has no model; nothing lies in the
browser, which compiles all that it runs. The ratio to the app of one line says what a page adds to
what any app of Streamlit's takes.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from benchmarks.in_browser import DRAWN
from kvviz.analysis.spread import spread
from kvviz.ui.shell.page_list import PAGES
from tests.browser.chromium import ARGUMENTS, find_chromium
from tests.browser.server import serving, started
from tests.one_thread import environment_of_an_app

LINE = "One line"
CHART = ".js-plotly-plot .main-svg"
POINTS = {
    "bert_vs_gpt2": "[data-kvviz=twins]",
    "language_modelling": "[data-kvviz=token-columns]",
    "speed_and_memory": CHART,
    "model_sizes": CHART,
}
"""What shows the point of a page that opens with no player; of charts the first."""

STANDS = """(what) => {
  const node = document.querySelector(what);
  return node?.getBoundingClientRect().height
    ? performance.now() / 1000 : false;
}"""
"""Seconds from when the browser set out for the page, once its point has a height."""

OPENS_AFTER_S = 1.0
"""A browser that is opened by the app, or by hand, sets out no sooner after the server is up."""


def measure(repeats: int = 3) -> list[dict[str, Any]]:
    """Measure each page on servers of its own, in turns with the app of one line.

    Args:
        repeats: Servers for each.

    Returns:
        One row a page: seconds until its point is seen, as a spread, and the median as a multiple
        of the median that the app of one line takes until its line is there. The last row is that
        app's.
    """
    seconds: dict[str, list[float]] = {page.name: [] for page in PAGES}
    plain: list[float] = []
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
        for _ in range(repeats):
            with _plain_app(Path(folder)) as address:
                plain.append(_first_visit(browser, address, "[data-testid=stMarkdown]"))
            for page in PAGES:
                with serving() as address:
                    path = "" if page == PAGES[0] else page.name
                    taken = _first_visit(browser, f"{address}/{path}", POINTS.get(page.name, DRAWN))
                    seconds[page.name].append(taken)
        browser.close()
    usual = spread(plain)
    rows = [
        {
            "page": name,
            "seconds": (one := spread(all_of_it)),
            "times": one["median"] / usual["median"],
        }
        for name, all_of_it in seconds.items()
    ]
    return [*rows, {"page": "one line of text", "seconds": usual, "times": 1.0}]


@contextmanager
def _plain_app(folder: Path) -> Iterator[str]:
    script = folder / "plain.py"
    script.write_text(f"import streamlit as st\nst.write({LINE!r})\n", encoding="utf-8")
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.headless", "true"]
    with started([*command, "--server.port"], folder, environment_of_an_app()) as address:
        yield address


def _first_visit(browser: Browser, address: str, point: str) -> float:
    time.sleep(OPENS_AFTER_S)
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto(address)
    taken = page.wait_for_function(STANDS, arg=point, timeout=120_000).json_value()
    context.close()
    return taken
