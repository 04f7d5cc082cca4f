"""Take the pictures that the README shows: `python -m tests.browser.screenshots FOLDER`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.chromium import ARGUMENTS, find_chromium
from tests.browser.server import serving
from tests.browser.visit import Visit

PICTURES = {
    "start": ("/", {}),
    "kv-cache": ("/kv_cache", {"step": "5"}),
    "side-by-side": ("/kv_cache", {"step": "11", "cache": "both"}),
    "two-caches": ("/encoder_decoder", {"step": "5"}),
}
WITHOUT_A_PLAYER = {
    "model-sizes": ("/model_sizes", "", '[data-kvviz="model-sizes"]'),
    "learning": ("/language_modelling", "", '[data-kvviz="training-film"]'),
    "bert-beside-gpt2": ("/bert_vs_gpt2?do=append", "Just show me", '[data-kvviz="verdict"]'),
}
"""Where it is, the button to press first if there is one, and what is then there."""
SIZES = {"wide": (1440, 1130), "narrow": (390, 844)}
SCHEMES = ("light", "dark")


def take(folder: Path) -> list[Path]:
    """Start the app, take every picture in every size and scheme, and return the files."""
    taken: list[Path] = []
    folder.mkdir(parents=True, exist_ok=True)
    with serving() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
        for scheme in SCHEMES:
            for size, (width, height) in SIZES.items():
                context = browser.new_context(
                    viewport={"width": width, "height": height}, color_scheme=scheme
                )
                for name, (path, parameters) in PICTURES.items():
                    tab = Visit(context.new_page(), address).open(path, **parameters)
                    tab.still()
                    file = folder / f"{name}-{size}-{scheme}.png"
                    tab.page.screenshot(path=file)
                    taken.append(file)
                    tab.page.close()
                for name, (path, button, drawn) in WITHOUT_A_PLAYER.items():
                    tab = Visit(context.new_page(), address)
                    tab.page.goto(f"{address}{path}")
                    if button:
                        tab.page.get_by_role("button", name=button, exact=True).click()
                    tab.page.wait_for_selector(drawn, state="attached")
                    tab.still()
                    file = folder / f"{name}-{size}-{scheme}.png"
                    tab.page.screenshot(path=file)
                    taken.append(file)
                    tab.page.close()
                context.close()
        browser.close()
    return taken


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where to put the pictures")
    for picture in take(parser.parse_args().folder):
        sys.stdout.write(f"{picture}\n")
