"""The exported document in a real browser, opened from a file as a person would."""

import io
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from kvviz.player import export_html, notebook_html
from tests.browser.visit import TEXTS_OVER_TEXTS
from tests.factories import make_card, make_comparison, make_dropping, make_trace

pytestmark = pytest.mark.browser

READY = "[data-kvviz=player][data-ready=true]"
CANVAS_COLOURS = """
() => Math.max(...[...document.querySelectorAll("canvas")].map((canvas) => {
  const { width, height } = canvas;
  if (!width || !height) return 0;
  const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
  return new Set(new Uint32Array(data.buffer)).size;
}))
"""


@pytest.fixture(scope="module")
def one_page(browser):
    """A page for all tests of a file, which need not compile the player each by itself."""
    page = browser.new_page()
    yield page
    page.close()


@pytest.fixture
def page(one_page):
    """A page that fails the test on any message in its console and on any request to elsewhere."""
    said = []
    hears = {
        "console": lambda message: said.append(message.text),
        "pageerror": lambda error: said.append(str(error)),
        "request": lambda request: (
            request.url.startswith(("file:", "blob:", "data:", "about:"))
            or said.append(request.url)
        ),
    }
    for what, hear in hears.items():
        one_page.on(what, hear)
    one_page.set_viewport_size({"width": 1280, "height": 900})
    one_page.emulate_media(color_scheme="light")
    yield one_page
    one_page.goto("about:blank")
    for what, hear in hears.items():
        one_page.remove_listener(what, hear)
    assert said == []


def hooks(place):
    return place.locator(READY).evaluate("(root) => ({...root.dataset})")


@pytest.mark.parametrize("use_cache", [True, False])
def test_every_step_says_what_was_computed_and_reused(page, tmp_path, use_cache):
    trace = make_trace(n_prompt=9, n_new=5, use_cache=use_cache)
    export_html(trace, tmp_path / "run.html")
    page.goto((tmp_path / "run.html").as_uri())
    page.wait_for_selector(READY)
    for number, step in enumerate(trace.steps):
        page.wait_for_selector(f"{READY}[data-step='{number}']")
        seen = hooks(page)
        assert seen["kind"] == step.kind
        assert seen["nComputed"] == str(step.computed.size)
        assert seen["nReused"] == str(step.reused.size)
        assert seen["cache"] == ("on" if use_cache else "off")
        page.locator(READY).press("ArrowRight")
    assert page.evaluate(CANVAS_COLOURS) > 20


def test_a_named_cache_is_named_and_what_it_dropped_is_told_head_by_head(page, tmp_path):
    trace = make_dropping(n_prompt=9, n_new=5)
    export_html(trace, tmp_path / "run.html")
    page.goto((tmp_path / "run.html").as_uri())
    page.wait_for_selector(READY)
    for layer, head, n_gone in ((0, 0, 6), (0, 1, 0), (1, 1, 6)):
        page.get_by_label("layer", exact=True).select_option(str(layer))
        page.get_by_label("head", exact=True).select_option(str(head))
        page.locator(READY).press("End")
        page.wait_for_selector(f"{READY}[data-step='4'][data-layer='{layer}'][data-head='{head}']")
        seen = hooks(page)
        live = int(trace.live(4, layer)[head].sum())
        assert (seen["nLive"], seen["nEvicted"]) == (str(live), str(n_gone))
        assert seen["cacheName"] == "every-second"
        life = page.locator("[data-kvviz=history][data-cache=on]")
        expect(life).to_have_attribute("data-n-live", str(live))
        expect(life).to_contain_text("every-second (first = 0, heads = first)")
        legend = page.get_by_text("evicted by every-second (first = 0, heads = first)")
        expect(legend).to_be_visible(visible=n_gone > 0)
    expect(page.locator(".kv-sentence")).to_contain_text("kept by every-second")
    page.get_by_role("button", name="Table", exact=True).click()
    table = page.locator(".kv-table")
    expect(table.locator("caption").first).to_contain_text("kept by every-second (first = 0")
    expect(table).to_contain_text("dropped by every-second, gone from step 1 on")
    # What the full cache would hold, beside what this one does.
    full = trace.model.cache_bytes(trace.n_rows)
    expect(page.locator(".kv-saved")).to_have_attribute("data-plain-bytes", str(full))


def test_prompts_that_look_like_markup_are_text(page, tmp_path):
    prompt = "</title><script>document.title = 'taken'</script><b>"
    export_html(make_trace(n_prompt=9, prompt=prompt), tmp_path / "run.html")
    page.goto((tmp_path / "run.html").as_uri())
    page.wait_for_selector(READY)
    assert page.title() == f"tests/random: {prompt}"
    assert page.locator("h1").inner_text() == page.title()


def test_a_notebook_s_frame_draws_both_runs(page, tmp_path):
    path = tmp_path / "notebook.html"
    path.write_text(
        f"<!doctype html><meta charset='utf-8'>{notebook_html(make_comparison(n_prompt=9))}",
        encoding="utf-8",
    )
    page.goto(path.as_uri())
    frame = page.frame_locator("iframe")
    frame.locator(READY).wait_for()
    assert hooks(frame)["cache"] == "both"


def picture_of(page, figure, file_format, folder):
    """Press the button that saves a figure and return the file it gives."""
    with page.expect_download() as download:
        page.locator(f"[data-figure={figure}][data-format={file_format}]").click()
    name = download.value.suggested_filename
    assert name.endswith(f".{file_format}")
    download.value.save_as(folder / name)
    return folder / name


@pytest.fixture(scope="module")
def paper(browser):
    """A page of two pixels a CSS pixel, to look at pictures on."""
    paper = browser.new_page(device_scale_factor=2)
    yield paper
    paper.close()


def as_drawn(paper, file, width, height):
    """Return what a browser makes of an SVG: (height, width, 3) numbers, two pixels a CSS pixel."""
    paper.set_viewport_size({"width": width, "height": height})
    paper.goto(file.as_uri())
    return np.asarray(Image.open(io.BytesIO(paper.screenshot())).convert("RGB"), dtype=np.int16)


OF_ONE_CACHE = ("view", "history", "kv", "pattern", "heads")
OF_TWO = (*OF_ONE_CACHE, "crossKv", "crossPattern")


@pytest.mark.parametrize(
    ("scheme", "run", "figures"),
    [
        ("light", make_comparison(n_prompt=9, n_new=5), OF_ONE_CACHE),
        ("dark", make_trace(card=make_card(family="t5"), n_new=5, prompt="<b>&"), OF_TWO),
    ],
    ids=["both ways, light", "a T5, dark"],
)
def test_each_figure_is_saved_as_pixels_and_as_shapes_that_look_alike(
    page, paper, tmp_path, scheme, run, figures
):
    export_html(run, tmp_path / "run.html")
    page.emulate_media(color_scheme=scheme)
    page.goto((tmp_path / "run.html").as_uri())
    page.wait_for_selector(READY)
    page.locator(READY).press("ArrowRight")
    page.wait_for_selector(f"{READY}[data-step='1']")
    page.get_by_role("button", name="Save picture").press("Enter")
    expect(page.get_by_role("dialog", name="Save picture")).to_be_focused()
    assert page.locator("[data-format=svg]").count() == len(figures)
    for figure in figures:
        drawn = picture_of(page, figure, "svg", tmp_path)
        root = ElementTree.fromstring(drawn.read_text(encoding="utf-8"))
        texts = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
        assert "kvviz" in texts
        assert any("Decode step 1 of" in text for text in texts)
        assert "Decode step 1 of" in root.findtext("{http://www.w3.org/2000/svg}title")
        pixels = np.asarray(
            Image.open(picture_of(page, figure, "png", tmp_path)).convert("RGB"), dtype=np.int16
        )
        height, width = pixels.shape[:2]
        assert (float(root.get("width")) * 2, float(root.get("height")) * 2) == (width, height)
        shapes = as_drawn(paper, drawn, width // 2, height // 2)[:height, :width]
        # Letters are smoothed otherwise on a canvas: up to 0.1 %. Text a pixel off gives 0.4 %.
        apart = np.abs(shapes - pixels).max(axis=2) > 96
        assert apart.mean() < 0.003, figure
        assert pixels.std() > 10
    # A step on, the list stays, and the keyboard where it was.
    again = page.get_by_role("button", name="The whole view as SVG")
    again.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_selector(f"{READY}[data-step='2']")
    expect(again).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Save picture")).to_be_focused()


def test_the_titles_of_a_short_run_stand_beside_each_other(page, tmp_path):
    export_html(make_trace(n_prompt=9, n_new=2), tmp_path / "run.html")
    page.goto((tmp_path / "run.html").as_uri())
    page.wait_for_selector(READY)
    page.get_by_role("button", name="Save picture").click()
    page.goto(picture_of(page, "view", "svg", tmp_path).as_uri())
    assert page.locator("text", has_text="Keys and values").count() == 1
    assert page.evaluate(TEXTS_OVER_TEXTS) == []
