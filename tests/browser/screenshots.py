"""Take the pictures that the README shows: `python -m tests.browser.screenshots FOLDER`.

A page that is not there in full is not taken: no file is written, and what is missing is said.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.chromium import ARGUMENTS, find_chromium
from tests.browser.lesson_pictures import take_lesson
from tests.browser.server import serving
from tests.browser.whole_page import PATIENCE_MS, SIGHTS, Sight, refuse_half, wait_until_whole

PICTURES = {
    "start": SIGHTS["start"],
    "kv-cache": replace(SIGHTS["kv_cache"], path="/kv_cache?step=5"),
    "side-by-side": replace(SIGHTS["kv_cache"], path="/kv_cache?step=11&cache=both"),
    "making": Sight("/kv_cache?step=11&cache=both&cell=17.14", ("player", "row-making")),
    "two-caches": replace(SIGHTS["encoder_decoder"], path="/encoder_decoder?step=5"),
    "model-sizes": SIGHTS["model_sizes"],
    "learning": SIGHTS["language_modelling"],
    "bert-beside-gpt2": SIGHTS["bert_vs_gpt2"],
    "cache-lab": Sight("/cache_lab?do=budgets", ("verdict", "chart-loss-by-budget")),
}
LIVES = "lives"
"""The animation: both lives of a short run, growing. It is saved as a visitor would save it."""
ROOM = "room"
"""A lesson with a room: the projector and a telephone, light."""
SIZES = {"wide": (1440, 1130), "narrow": (390, 844)}
SCHEMES = ("light", "dark")


def take(folder: Path, names: Iterable[str] = (*PICTURES, LIVES, ROOM)) -> list[Path]:
    """Start the app, take every picture in every size and scheme, and return the files.

    The animation is one file, light and wide.

    Raises:
        NotThereError: If a page does not come to be there in full.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with serving() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
        taken = [
            picture(browser, address, PICTURES[name], folder / f"{name}-{size}-{scheme}.png",
                    size=size, scheme=scheme)
            for scheme in SCHEMES
            for size in SIZES
            for name in names if name not in (LIVES, ROOM)
        ]  # fmt: skip
        if LIVES in names:
            taken.append(animation(browser, address, folder / f"{LIVES}.gif"))
        if ROOM in names:
            taken += take_lesson(browser, address, folder)
        browser.close()
    return taken


def picture(
    browser: Browser, address: str, sight: Sight, file: Path, *, size: str, scheme: str
) -> Path:
    """Take one picture in a tab of its own."""
    width, height = SIZES[size]
    page = browser.new_page(
        viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce"
    )
    try:
        sight.open(page, address)
        shoot(page, sight, file)
    finally:
        page.close()
    return file


def animation(browser: Browser, address: str, file: Path) -> Path:
    """Save the lives of the example, side by side, as the page's own list does."""
    page = browser.new_page(viewport={"width": 1440, "height": 1130}, reduced_motion="reduce")
    try:
        replace(SIGHTS["kv_cache"], path="/kv_cache?new=12&cache=both").open(page, address)
        page.get_by_role("button", name="Save picture").click()
        page.get_by_role("button", name="The life of each row as GIF").click()
        with page.expect_download(timeout=PATIENCE_MS) as download:
            page.get_by_role("button", name="Save GIF").click()
        download.value.save_as(file)
    finally:
        page.close()
    return file


def shoot(page: Page, sight: Sight, file: Path, *, patience_ms: float = 10_000) -> None:
    """Take a picture of a page that is there in full, before and after.

    Raises:
        NotThereError: If it is not, or has begun something while the picture was taken; no file is
            written then.
    """
    wait_until_whole(page, sight.hooks, patience_ms=patience_ms)
    taken = page.screenshot()
    refuse_half(page, sight.hooks)
    file.write_bytes(taken)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where to put the pictures")
    parser.add_argument(
        "names", nargs="*", default=[*PICTURES, LIVES, ROOM], help="which; all if left out"
    )
    arguments = parser.parse_args()
    for written in take(arguments.folder, arguments.names):
        sys.stdout.write(f"{written}\n")
