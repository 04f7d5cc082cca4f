"""The lives of the rows: an L with the cache, a triangle without, in line with K and V."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

CANVAS = ".kv-history-canvas"
LIFE = '[data-kvviz="history"][data-cache="{}"]'

COLUMNS = """canvas => {
  const { width, height } = canvas;
  const ratio = width / canvas.clientWidth;
  const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
  const [r, g, b] = getComputedStyle(canvas.closest(".kvviz-player"))
    .getPropertyValue("--kv-computed").match(/\\w\\w/g).map((part) => parseInt(part, 16));
  const filled = [];
  for (let x = 0; x < width; x++) {
    let n = 0;
    for (let y = 0; y < height; y++) {
      const at = 4 * (y * width + x);
      n += data[at] === r && data[at + 1] === g && data[at + 2] === b && data[at + 3] === 255;
    }
    filled.push(n / ratio);
  }
  return filled;
}"""
"""How many pixels of each column are in the full colour of what was computed."""


def test_both_lives_are_drawn_each_as_its_shape_shown_alone_and_gone_along(visit):
    # Both runs of three prompt tokens and six steps, at the last step.
    both = visit().open("/kv_cache", prompt="The cat sat", new="6", cache="both", step="5")
    both.wait(step=5, cache="both", nSteps=6)
    both.still()
    n = both.hooks()["nComputedOff"] - 5
    on, off = (both.page.locator(LIFE.format(cache)) for cache in ("on", "off"))
    expect(on).to_have_attribute("data-n-computed-total", str(n + 5))
    expect(off).to_have_attribute("data-n-computed-total", str(sum(range(n, n + 6))))
    expect(on).to_contain_text(f"{n + 5} rows so far")
    both.painted()
    filled = both.page.locator(CANVAS).evaluate(COLUMNS)
    # Orange columns of equal height belong to a step; the frame's edges and gaps lie between.
    start = off.bounding_box()["x"] - both.page.locator(CANVAS).bounding_box()["x"]
    with_cache, without = filled[: int(start)], filled[int(start) :]
    assert sum(without) > 3 * sum(with_cache) > 0
    # All six columns without the cache, each higher than the one before.
    heights = [h for h in without if h]
    assert len({round(h) for h in heights}) >= 6
    assert heights == sorted(heights)

    # The pointer goes along a life and is told what happened to a row.
    canvas = both.page.locator(CANVAS)
    canvas.scroll_into_view_if_needed()
    box, life = canvas.bounding_box(), both.page.locator(LIFE.format("on")).bounding_box()
    rows = both.page.locator(".kv-panel[data-run=on] .kv-part-kv canvas").first.bounding_box()
    # A band is one line: both pictures begin at one height, and their rows 64 px below it.
    assert abs(box["y"] - rows["y"]) < 1
    top = box["y"] + 64 + 4
    mouse = both.page.mouse
    sent = both.n_sent
    mouse.move(life["x"] + 3, top)
    expect(both.page.locator(".kv-panel[data-run=on] .kv-reading").first).to_have_text(
        "Step 0 computed row 0, The · computed at step 0"
    )
    mouse.down()
    both.wait(step=0)
    mouse.move(life["x"] + 3 + 16 * 2, top)
    both.wait(step=2)
    expect(both.page.locator(".kv-panel[data-run=on] .kv-reading").first).to_have_text(
        "Step 2 read row 0, The, from the cache · computed at step 0 · read 2 times"
    )
    both.page.wait_for_timeout(500)
    assert both.n_sent == sent
    mouse.up()
    both.page.wait_for_url("**step=2**")
    # The same row is lit in the strip of tokens.
    expect(both.page.locator(".kv-chip.is-lit")).to_have_count(1)

    # One click gives one life and the other.
    both.page.get_by_role("button", name="Without", exact=True).click()
    both.wait(cache="off")
    expect(off).to_be_visible()
    expect(on).to_be_hidden()
    both.page.get_by_role("button", name="With cache", exact=True).click()
    both.wait(cache="on")
    expect(on).to_be_visible()
    expect(off).to_be_hidden()


def test_the_lens_shows_the_shapes_where_a_cell_is_a_pixel(visit):
    tab = visit(works=True).open("/kv_cache", prompt="The cat sat", new="80", step="70")
    tab.wait(step=70)
    tab.still()
    canvas = tab.page.locator(CANVAS)
    before = tab.pixels(CANVAS)
    box = canvas.bounding_box()
    tab.page.mouse.move(box["x"] + 0.8 * box["width"], box["y"] + 0.3 * box["height"])
    tab.painted()
    assert (tab.pixels(CANVAS) != before).mean() > 0.02
    expect(tab.page.locator(".kv-reading").first).to_contain_text("from the cache")
