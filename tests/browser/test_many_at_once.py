"""Several prompts share a pool of blocks in the cache lab, in a browser."""

import pytest
from playwright.sync_api import expect

from tests.browser.test_cache_lab import said

pytestmark = pytest.mark.browser


def test_prompts_share_blocks_and_each_is_looked_at_row_by_row(visit):
    tab = visit(works=True)
    page = tab.page
    page.goto(f"{tab.address}/cache_lab?do=many&new=12")
    told = page.locator('[data-kvviz="verdict"]')
    blocks = page.locator('[data-kvviz="block-map"]')
    # The example stands open, and who opens it sees its point.
    expect(told).to_have_attribute("data-n-same", "5")
    n_steps = int(blocks.get_attribute("data-n-steps"))
    assert n_steps == int(told.get_attribute("data-n-steps")) == 2 * 4 + 12
    assert int(told.get_attribute("data-n-shared-blocks")) >= 1
    expect(blocks.locator(".kvviz-block-shared").first).to_be_visible()
    # As wide as they are long, and as high as they are full.
    sizes = blocks.locator("dd span").evaluate_all(
        "all => all.map(one => [one.offsetWidth, one.firstChild.offsetHeight, one.offsetHeight])"
    )
    assert all(width > 5 and 0 < filled <= height for width, filled, height in sizes)
    assert len({width for width, _filled, _height in sizes}) > 1
    assert len({filled for _width, filled, _height in sizes}) > 1
    # The third begins with rows of the first, and is the one that is shown.
    found = tab.wait(step=0, nSteps=12)
    n_shared = found["nReused"]
    assert n_shared >= 16
    life = page.locator('[data-kvviz="history"][data-cache="on"]')
    expect(life).to_have_attribute("data-n-shared", str(n_shared))
    page.get_by_role("radio", name="B", exact=True).click()
    tab.wait(step=0, nSteps=12, nReused=0)
    page.wait_for_url("**run=2**")
    tab.player.get_by_role("button", name="Last step").press("Enter")
    tab.wait(step=11)
    page.wait_for_url("**step=11**")
    # Prompts of one's own are asked about, and kept where there are too many.
    area = page.get_by_role("textbox", name="Prompts, one a line")
    area.fill("One day\nOnce upon a time")
    page.keyboard.press("Control+Enter")
    expect(blocks).to_have_count(0)
    tab.answer_by_keyboard("many-at-once")
    expect(told).to_have_attribute("data-n-shared-blocks", "0")
    expect(told).to_contain_text("none is shared")
    tab.still()
    assert said(page)["prompts"] == "One day\nOnce upon a time"
    area.fill("\n".join("abcdefghi"))
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("alert")).to_contain_text("too many prompts")
    assert area.input_value() == "\n".join("abcdefghi")
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme="dark")
    tab.fits()
