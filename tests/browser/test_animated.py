"""A run as an animated picture: saved from the page by keyboard, and by the command line."""

import io
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from kvviz.__main__ import main
from kvviz.player import export_html
from tests.browser.test_exported_file import READY, one_page, page, picture_of
from tests.browser.visit import PATIENCE_MS
from tests.factories import make_trace

pytestmark = pytest.mark.browser
__all__ = ["one_page", "page"]

FRAMES_A_STEP = 7


@pytest.fixture(autouse=True)
def patience():
    """As in a tab on the app: a frame takes its time where the cores are busy."""
    expect.set_options(timeout=PATIENCE_MS)


def pixels(picture):
    """Return (height, width, 3) numbers."""
    return np.asarray(picture.convert("RGB"), dtype=np.int16)


def test_a_run_is_saved_as_an_animation_by_keyboard_and_cancelled_half_way(page, tmp_path):
    export_html(make_trace(n_prompt=9, n_new=4), tmp_path / "run.html")
    # At this width the view is 960 wide, so that a GIF of 1920 has the very pixels of the PNG.
    page.set_viewport_size({"width": 690, "height": 900})
    page.goto((tmp_path / "run.html").as_uri())
    page.wait_for_selector(READY)
    page.locator(READY).press("ArrowRight")
    page.locator(READY).press("ArrowRight")
    page.wait_for_selector(f"{READY}[data-step='2']")
    page.get_by_role("button", name="Save picture").press("Enter")
    first_still = Image.open(picture_of(page, "view", "png", tmp_path))
    page.locator(READY).press("End")
    page.wait_for_selector(f"{READY}[data-step='3']")
    last_still = Image.open(picture_of(page, "view", "png", tmp_path))
    page.get_by_role("button", name="The whole view as GIF").press("Enter")
    form = page.get_by_role("form", name="The whole view, animated")
    first = form.get_by_label("from step")
    expect(first).to_be_focused()
    said = form.get_by_role("status")
    expect(said).to_contain_text("28 frames of 1280 ×")
    expect(said).to_contain_text("about")

    # What cannot be made is said in a sentence, and the rest of the page goes on.
    save = form.get_by_role("button", name="Save GIF")
    first.press_sequentially("7")
    expect(said).to_contain_text("The steps of this run are 0 to 3")
    expect(save).to_be_disabled()
    first.fill("")
    expect(said).to_contain_text("The steps of this run are 0 to 3")
    first.fill("2")
    form.get_by_label("pixels wide").select_option("1920")
    expect(said).to_contain_text("14 frames of 1920 ×")

    given = []
    page.on("download", lambda download: given.append(download))
    first.press("Enter")
    cancel = form.get_by_role("button", name="Cancel")
    expect(cancel).to_be_focused()
    expect(form.get_by_text(re.compile(r"Frame \d+ of 14"))).to_be_visible()
    page.keyboard.press("Escape")
    expect(said).to_have_text("Cancelled; nothing was saved.")
    expect(save).to_be_focused()
    assert given == []

    with page.expect_download() as download:
        page.keyboard.press("Enter")
    expect(said).to_contain_text("Saved as kvviz-random-steps2-3-layer")
    assert len(given) == 1
    assert download.value.suggested_filename.endswith(".gif")
    download.value.save_as(tmp_path / "run.gif")
    animation = Image.open(tmp_path / "run.gif")
    assert animation.n_frames == 2 * FRAMES_A_STEP
    assert animation.size == last_still.size
    assert animation.info["loop"] == 0
    shown = {}
    for number in (0, FRAMES_A_STEP - 1, animation.n_frames - 1):
        animation.seek(number)
        shown[number] = pixels(animation)
    assert animation.info["duration"] > 1000
    start, first, last = shown.values()
    for frame, still in ((first, first_still), (last, last_still)):
        # 255 colours for all: none is far off, and most are exact.
        apart = np.abs(frame - pixels(still)).max(axis=2)
        assert (apart > 24).mean() < 0.002
        assert (apart == 0).mean() > 0.8
    for other in (start, last):
        assert (np.abs(first - other).max(axis=2) > 24).mean() > 0.003
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Save picture")).to_be_focused()


def test_the_command_line_draws_the_same_two_pictures(tmp_path):
    svg, gif = tmp_path / "run.svg", tmp_path / "run.gif"
    command = ["trace", "--prompt", "Once upon a time", "--new", "5", "--steps", "4:"]
    assert main([*command, "--svg", str(svg), "--animate", str(gif)]) == 0
    animation = Image.open(io.BytesIO(gif.read_bytes()))
    assert (animation.n_frames, animation.width) == (FRAMES_A_STEP, 1280)
    root = ElementTree.fromstring(svg.read_text(encoding="utf-8"))
    texts = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert any("Decode step 4 of 4" in text for text in texts)
    assert "kvviz" in texts


def test_too_long_a_run_is_refused_in_a_sentence_and_some_of_its_steps_are_not(page, tmp_path):
    export_html(make_trace(n_new=250), tmp_path / "run.html")
    page.goto((tmp_path / "run.html").as_uri())
    page.wait_for_selector(READY)
    page.get_by_role("button", name="Save picture").press("Enter")
    page.get_by_role("button", name="The whole view as GIF").press("Enter")
    form = page.get_by_role("form", name="The whole view, animated")
    said, save = form.get_by_role("status"), form.get_by_role("button", name="Save GIF")
    expect(said).to_contain_text(re.compile(r"^1,750 frames of 1280 × \d+ pixels are too many"))
    expect(save).to_be_disabled()
    form.get_by_label("to step").fill("2")
    expect(said).to_contain_text("21 frames of 1280 ×")
    expect(save).to_be_enabled()
    # Nor is the form left open where the list is closed from within it.
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Save picture")).to_be_focused()
    expect(form).to_be_hidden()
