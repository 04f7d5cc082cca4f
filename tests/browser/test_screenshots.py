"""The camera waits for a page that is there in full; no other is taken, and the docs show none."""

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.first_sights import (
    FOLDER,
    STEPPED,
    WIDTHS,
    WIDTHS_AFTER_A_STEP,
    complaints,
    named,
)
from tests.browser.screenshots import shoot
from tests.browser.server import ROOT
from tests.browser.whole_page import SIGHTS, NotThereError

PICTURES = sorted((ROOT / "docs" / "pictures").glob("*.png"))
SKELETONS = {
    "light": {"on a card": (247, 247, 239), "on a question": (237, 236, 222)},
    "dark": {"on a card": (49, 52, 56), "on a question": (56, 60, 65)},
}
"""What Streamlit's skeletons look like on the surfaces of this app, as once photographed."""
LEAST = (20, 14)
"""Height and width of a block that is one: a button that is still to come is 38 by 16 pixels, and
letters and lines of a colour that happens to be the same are thinner."""


def n_blocks(pixels, colour):
    """Count the places at which a block of that size is wholly of the colour."""
    height, width = LEAST
    same = (pixels == np.array(colour)).all(axis=-1)
    sums = np.pad(same.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    inside = (
        sums[height:, width:]
        - sums[:-height, width:]
        - sums[height:, :-width]
        + sums[:-height, :-width]
    )
    return int((inside == height * width).sum())


@pytest.mark.parametrize("file", PICTURES, ids=lambda file: file.stem)
def test_no_picture_in_the_docs_shows_a_skeleton(file):
    pixels = np.asarray(Image.open(file).convert("RGB"))
    scheme = file.stem.rpartition("-")[2]
    found = {where: n_blocks(pixels, colour) for where, colour in SKELETONS[scheme].items()}
    assert not any(found.values()), (
        f"{file.name} was taken too early. Take it anew: make screenshots"
    )


def test_the_animation_in_the_docs_shows_two_lives_that_grow():
    file = ROOT / "docs" / "pictures" / "lives.gif"
    assert file.stat().st_size <= 1.5e6
    animation = Image.open(file)
    computed, reused = [], []
    for number in (0, animation.n_frames - 1):
        animation.seek(number)
        pixels = np.asarray(animation.convert("RGB"))
        computed.append(int((pixels == (217, 102, 15)).all(axis=-1).sum()))
        reused.append(int((pixels == (47, 99, 200)).all(axis=-1).sum()))
    # Orange is computed and blue is reused, here as everywhere. Of the prefill nothing is reused.
    assert computed[-1] > 4 * computed[0] > 0
    assert reused[-1] > 0 == reused[0]


def broken(picture, how):
    """Return a picture of a page with one thing wrong in it."""
    pixels = np.asarray(picture).copy()
    # Keys and values of the player's page at 1440 by 900, in the small picture.
    rows, columns = slice(80, 130), slice(160, 260)
    part = pixels[rows, columns].copy()
    if how == "moved":
        pixels[rows, columns] = np.roll(part, 2, axis=0)
    elif how == "gone":
        pixels[rows, columns] = pixels[2, -2]
    else:
        pixels[rows, columns] = part[..., ::-1]
    return Image.fromarray(pixels)


def test_what_has_moved_gone_or_changed_its_colours_is_told_and_left_to_be_looked_at(tmp_path):
    file = named("kv_cache", 1440, "light")
    kept = Image.open(file).convert("RGB")
    assert complaints([(file, lambda: kept)], tmp_path) == []
    for how in ("moved", "gone", "colours"):
        (said,) = complaints([(file, lambda how=how: broken(kept, how))], tmp_path, 0)
        assert f"{file.name}: differs by" in said, how
        assert str(tmp_path) in said
    left = {path.name.removeprefix(f"{file.stem}-") for path in tmp_path.iterdir()}
    assert left == {"now.png", "kept.png", "difference.png"}
    (unknown,) = complaints([(tmp_path / "no-such-page-390-dark.png", lambda: kept)], tmp_path, 0)
    assert "make sights" in unknown


def test_the_pictures_that_pages_are_compared_with_are_all_there_and_small():
    looked_at = dict.fromkeys(SIGHTS, WIDTHS)
    looked_at |= {f"{name}-step": WIDTHS_AFTER_A_STEP for name in STEPPED}
    files = {
        named(name, width, scheme)
        for name, widths_of in looked_at.items()
        for scheme, widths in widths_of.items()
        for width in widths
    }
    assert set(FOLDER.iterdir()) == files
    assert sum(file.stat().st_size for file in files) <= 1_000_000


@pytest.mark.browser
def test_the_camera_refuses_a_page_whose_charts_are_still_to_come(visit, tmp_path):
    tab, sight = visit(), SIGHTS["model_sizes"]
    # Held back for good, as on a machine that is busy.
    held = tab.hold("*/PlotlyChart*.js")
    tab.page.goto(f"{tab.address}{sight.path}")
    tab.page.wait_for_selector('[data-kvviz="chart-parameter-parts"]', state="attached")
    skeleton = tab.page.locator(".st-key-kvviz-chart-cache-growth [data-testid=stSkeleton]")
    skeleton.wait_for()
    file = tmp_path / "model-sizes.png"
    with pytest.raises(NotThereError, match=r"chart-cache-growth is not drawn"):
        shoot(tab.page, sight, file, patience_ms=500)
    assert not file.exists()
    # And it is a block of these very colours that the pictures in the docs are searched for.
    for scheme, colours in SKELETONS.items():
        tab.page.emulate_media(color_scheme=scheme)
        expect(tab.page.get_by_test_id("stApp")).to_have_css("color-scheme", scheme)
        tab.painted()
        pixels = tab.pixels(".st-key-kvviz-chart-cache-growth [data-testid=stSkeleton]")
        assert n_blocks(pixels, colours["on a card"]) > 0, scheme
    assert held.urls
