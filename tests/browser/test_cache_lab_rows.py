"""Fewer bits and surgery in the cache lab, in a browser: each is done, and its hooks are read."""

import pytest
from playwright.sync_api import expect

from tests.browser.test_cache_lab import TEXT, said

pytestmark = pytest.mark.browser


def test_rows_are_packed_and_changed_by_keys_and_by_a_link(visit):
    tab = visit(works=True)
    page = tab.page
    page.goto(f"{tab.address}/cache_lab?do=bits&text={TEXT}&bits=2/2,channel/token,8&new=4")
    picture = page.locator('[data-kvviz="error-map"]')
    told = page.locator('[data-kvviz="verdict"]').first
    # First the prediction; map and flip are a part of the answer.
    expect(page.locator('[data-kvviz="question"]')).to_contain_text("keys in 2 bits by channel")
    expect(picture).to_have_count(0)
    tab.answer_by_keyboard("fewer-bits")
    expect(told).to_have_attribute("data-recorded", "0")
    expect(told).to_contain_text("Grouped the other way:")
    expect(picture).to_have_attribute("data-ready", "true")
    offs = [
        float(
            page.locator(f'[data-kvviz="error-map-keys{one}"]').get_attribute("data-off") or "nan"
        )
        for one in ("", "-control")
    ]
    assert offs[0] < offs[1]
    # A number is read by keys alone.
    picture.locator(".ke-panels").focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowRight"):
        page.keyboard.press(key)
    expect(picture).to_have_attribute("data-row", "1")
    expect(picture).to_have_attribute("data-channel", "1")
    expect(picture.locator(".fc-reading")).to_contain_text("Keys, by token:")
    layer = str(picture.get_attribute("data-layer"))
    other = "0" if layer != "0" else "1"
    tab.choose("Layer", other, exact=True)
    expect(picture).to_have_attribute("data-layer", other)
    # Of stories there is a record, and a table of all that was tried.
    expect(page.locator('[data-kvviz="bit-table"] tbody tr')).to_have_count(11)
    expect(tab.chart("kept-steps")).to_be_visible()
    tab.still()
    assert said(page)["layer"] == other
    # The same on a telephone in the dark.
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme="dark")
    expect(picture).to_have_attribute("data-scheme", "dark")
    tab.fits()
    page.set_viewport_size({"width": 1280, "height": 900})

    page.get_by_role("radio", name="Surgery").click()
    question = page.locator('[data-kvviz="question"]')
    expect(question.first).to_contain_text("value set to zero")
    expect(question).to_have_count(1)
    tab.still()
    page.get_by_role("button", name="yes, that row").click()
    expect(told).to_have_attribute("data-part", "value")
    expect(tab.chart("row-effects")).to_be_visible()
    cut = page.locator('[data-kvviz="row-cut"]')
    expect(cut).to_have_attribute("data-row", str(told.get_attribute("data-row")))
    for name in ("next-before", "next-after"):
        expect(page.locator(f'[data-kvviz="{name}"] li')).to_have_count(5)
    tab.choose("Row that is changed", "1 “")
    expect(cut).to_have_attribute("data-row", "1")
    tab.still()
    assert said(page)["cut"] == "zero:value:1"
    page.go_back()
    expect(cut).to_have_attribute("data-row", str(told.get_attribute("data-row")))
