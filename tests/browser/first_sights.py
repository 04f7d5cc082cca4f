"""How each page looks at first sight, kept small, and how far a page is from that.

`python -m tests.browser.first_sights` takes the pictures anew (`make sights`). Look at them before
they are committed.

Letters are those of Source Sans, which Streamlit ships, and of DejaVu Sans Mono, a font of the
system that Debian's browsers bring along. Where another one stands in its place, tokens are wider
or narrower, and the pictures must be taken anew to be compared.
"""

from __future__ import annotations

import argparse
import base64
import io
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from tests.browser.chromium import ARGUMENTS, find_chromium
from tests.browser.pace import at_this_pace
from tests.browser.server import serving
from tests.browser.whole_page import SIGHTS, wait_until_whole

FOLDER = Path(__file__).parent / "first_sights"
SIZES = {390: 844, 1440: 900, 1920: 1080, 2560: 1440}
WIDTHS = {"light": tuple(SIZES), "dark": tuple(reversed(SIZES))}
"""In the order that they are looked at: from one to the next as little as can be changes."""
SMALLER = 4
"""A picture is kept at a quarter of its size, in so many colours: 8 kB each instead of 150."""
N_COLOURS = 256
STEPPED = ("start", "kv_cache", "encoder_decoder")
"""Pages with a run, which are also looked at after one step."""
WIDTHS_AFTER_A_STEP = {"dark": tuple(SIZES), "light": tuple(reversed(SIZES))}
"""Begins where `WIDTHS` ends."""

BLOCK = 6
"""Pages are compared by blocks of so many pixels of the small pictures, 24 of the page's own."""
MOST = 15.0
"""By how much the worst block may differ, in levels of 255, mean over its pixels and colours.

Measured on four pages in all sizes: two visits, to servers of their own, give the same pixels, and
what is kept in few colours differs from them by 6 at most. Where it is in sight, a picture that is
moved by 4 pixels differs by 27 or more and one moved by 8 by 46, a card that is hidden by 43, and
hues turned about by 24 (in the patterns of BERT, which have one hue, by 14 in the largest window).
"""

PATIENCE_S = at_this_pace(10_000) / 1000
"""A page takes on another size and other colours by itself, and gives no sign when it has."""

HIDE_TIMES = """() => {
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const times = [];
  while (walk.nextNode()) {
    if (/\\d\\s?(ms|s)\\b/.test(walk.currentNode.data)) times.push(walk.currentNode.parentElement);
  }
  const others = document.querySelectorAll(
    '[data-open^="bill.seconds"], .kv-bill .kv-note, [class*=st-key-kvviz-plot-]',
  );
  for (const node of [...times, ...others]) node.style.visibility = "hidden";
}"""
"""What is measured is another number each time: times, and differences of the last digits. Of a
chart its place is looked at, which it has before Plotly comes, so Plotly is not waited for: to load
it and to draw it anew in each size is a fifth of all work here. What a chart draws is a matter of
`tests/unit/figures`, and that it is drawn one of `test_accessibility.py`.
"""

AT_REST = """() => document.getAnimations().every((one) => one.playState !== "running")
  && [...document.querySelectorAll('[data-kvviz=player]')].every((one) => !one.kvviz.isMoving())"""


def path_of(name: str) -> str:
    """Return the address of a page as somebody finds it who was never there."""
    return "/" if name == "start" else f"/{name}"


def named(name: str, width: int, scheme: str) -> Path:
    """Return the file of a picture."""
    return FOLDER / f"{name}-{width}-{scheme}.png"


Look = Callable[[], Image.Image]
"""Takes a picture of a page as it is now."""


def looks(
    page: Page, name: str, widths_of: dict[str, tuple[int, ...]] = WIDTHS
) -> Iterator[tuple[Path, Look]]:
    """Give each look of a page that is open and whole, beside the file that it is kept in.

    The page is left as it is, but for its size, its colours, and times and charts that are hidden.
    """
    for scheme, widths in widths_of.items():
        page.emulate_media(color_scheme=scheme)
        for width in widths:
            page.set_viewport_size({"width": width, "height": SIZES[width]})
            yield named(name, width, scheme), lambda: look(page)


def looks_after_a_step(page: Page, name: str) -> Iterator[tuple[Path, Look]]:
    """Step to the first decode step and give the looks of a player's page."""
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    page.wait_for_selector('[data-kvviz=player][data-step="1"]')
    yield from looks(page, f"{name}-step", WIDTHS_AFTER_A_STEP)


def look(page: Page) -> Image.Image:
    """Return what a page looks like now, small."""
    # The app hears of its new size before it draws.
    page.evaluate(
        "() => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))"
    )
    wait_until_whole(page, (), charts=False)
    page.wait_for_function(AT_REST)
    page.evaluate(HIDE_TIMES)
    taken = Image.open(io.BytesIO(pixels(page)))
    size = (taken.width // SMALLER, taken.height // SMALLER)
    return taken.convert("RGB").resize(size, Image.Resampling.BOX)


def pixels(page: Page) -> bytes:
    """Return the window as PNG, packed fast, which is half the work of `Page.screenshot`.

    That would stop what runs and hide the caret; here nothing runs, and no field has it.
    """
    session = page.context.new_cdp_session(page)
    taken = session.send("Page.captureScreenshot", {"format": "png", "optimizeForSpeed": True})
    session.detach()
    return base64.b64decode(taken["data"])


def keep(picture: Image.Image, file: Path) -> None:
    """Write a picture in few colours."""
    # By coverage, so that a colour that is rare is not given up for a shade of a frequent one.
    few = picture.quantize(N_COLOURS, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    few.save(file, optimize=True)


def difference(picture: Image.Image, kept: Image.Image) -> np.ndarray:
    """Return by how much each block differs, in levels of 255; 255 where sizes differ."""
    if picture.size != kept.size:
        return np.full((1, 1), 255.0)
    one, other = (np.asarray(each.convert("RGB"), dtype=np.float64) for each in (picture, kept))
    apart = np.abs(one - other).mean(axis=2)
    high, wide = (n // BLOCK for n in apart.shape)
    blocks = apart[: high * BLOCK, : wide * BLOCK].reshape(high, BLOCK, wide, BLOCK)
    return blocks.mean(axis=(1, 3))


def complaints(
    looked: Iterable[tuple[Path, Look]], folder: Path, patience_s: float = PATIENCE_S
) -> list[str]:
    """Compare looks with those that are kept.

    Args:
        looked: Looks of a page, each beside its file.
        patience_s: For so long a page that looks otherwise is looked at again.
        folder: Where both pictures of a page that has changed are left, and what differs.

    Returns:
        A sentence on each that has changed.
    """
    said: list[str] = []
    for file, look_now in looked:
        kept = Image.open(file).convert("RGB") if file.exists() else None
        until = time.monotonic() + patience_s
        while True:
            picture = look_now()
            apart = np.full((1, 1), 255.0) if kept is None else difference(picture, kept)
            if apart.max() <= MOST or time.monotonic() > until:
                break
            time.sleep(0.25)
        if apart.max() <= MOST:
            continue
        picture.save(folder / f"{file.stem}-now.png")
        row, column = np.unravel_index(apart.argmax(), apart.shape)
        if kept is not None:
            kept.save(folder / f"{file.stem}-kept.png")
            levels = np.clip(apart * 255 / MOST / 2, 0, 255).astype(np.uint8)
            shown = Image.fromarray(levels).resize(picture.size, Image.Resampling.NEAREST)
            shown.save(folder / f"{file.stem}-difference.png")
        said.append(
            f"{file.name}: differs by {apart.max():.0f} of {MOST:.0f}, most near pixel "
            f"({column * BLOCK * SMALLER}, {row * BLOCK * SMALLER}). Pictures: {folder}. "
            "If it is meant to look so: make sights"
        )
    return said


def take(names: Iterable[str]) -> Iterator[Path]:
    """Take the pictures of pages anew and give the files."""
    FOLDER.mkdir(exist_ok=True)
    with serving(KVVIZ_THREADS="1") as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
        for name in names:
            page = browser.new_page(reduced_motion="reduce")
            page.goto(f"{address}{path_of(name)}")
            wait_until_whole(page, first_hooks(name), charts=False)
            for file, look_now in looks(page, name):
                keep(settled(look_now), file)
                yield file
            if name in STEPPED:
                for file, look_now in looks_after_a_step(page, name):
                    keep(settled(look_now), file)
                    yield file
            page.close()
        browser.close()


def settled(look_now: Look) -> Image.Image:
    """Return what a page looks like once it looks the same for a second."""
    last, since = look_now(), time.monotonic()
    while time.monotonic() - since < 1:
        time.sleep(0.3)
        now = look_now()
        if difference(now, last).max() > 0:
            last, since = now, time.monotonic()
    return last


def first_hooks(name: str) -> tuple[str, ...]:
    """Return what is there at first sight: what is shown after an answer is not."""
    return () if SIGHTS[name].press else SIGHTS[name].hooks


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "names", nargs="*", default=list(SIGHTS), help="which pages; all if left out"
    )
    for written in take(parser.parse_args().names):
        sys.stdout.write(f"{written}\n")
