"""A short race in a real browser: started by the keyboard, watched, and read by its hooks."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

PATH = "/speed_and_memory?prompt_tokens=6&new=5&repeats=2"


def open_page(tab):
    tab.page.goto(f"{tab.address}{PATH}")
    expect(tab.page.locator('[data-kvviz="question"]')).to_contain_text("writes 5 more")


def test_a_race_from_a_cold_link_by_the_keyboard(visit):
    tab = visit()
    open_page(tab)
    tab.page.get_by_role("button", name="2× to 4×", exact=True).focus()
    tab.page.keyboard.press("Enter")
    told = tab.page.locator('[data-kvviz="race"]')
    expect(told).to_have_attribute("data-n-repeats", "2")
    expect(tab.page.locator('[data-kvviz="question"]')).to_have_count(0)
    expect(tab.page.locator('[data-kvviz="verdict"]')).to_contain_text("as fast with the cache")
    hooks = told.evaluate("node => ({...node.dataset})")
    assert hooks["nNew"] == "5"
    assert hooks["sameTokens"] == "true"
    assert float(hooks["speedUp"]) > 0
    assert float(hooks["passes"]) == pytest.approx((6 + 7 + 8 + 9 + 10) / 10)
    assert int(hooks["cacheBytes"]) == 10 * 2 * 6 * 8 * 32 * 4
    lanes = tab.page.locator('[data-kvviz="race-result"] p')
    assert lanes.nth(0).inner_text() == lanes.nth(1).inner_text() != ""
    tab.still()
    assert "new=5" in tab.page.url
    # The curve, the bytes and the roof are drawn: paths of lines and marks are there.
    for key in ("speed-curve", "speed-bytes", "speed-roof"):
        marks = tab.page.locator(f".st-key-{key} .scatterlayer .trace")
        expect(marks.first).to_be_attached()


def test_it_fits_a_telephone(visit):
    tab = visit(width=390, height=844, scheme="dark")
    open_page(tab)
    tab.page.get_by_role("button", name="Just run it").click()
    expect(tab.page.locator('[data-kvviz="race"]')).to_be_attached()
    tab.page.get_by_role("button", name="Time the parts").click()
    expect(tab.page.locator('[data-kvviz="step-parts"]')).to_be_visible()
    tab.still()
    assert tab.overflow() <= 0
