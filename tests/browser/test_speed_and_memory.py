"""A short race in a real browser: started by the keyboard, watched, and read by its hooks."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

PATH = "/speed_and_memory?prompt_tokens=6&new=5&repeats=2"


def open_page(tab):
    tab.page.goto(f"{tab.address}{PATH}")
    expect(tab.page.locator('[data-kvviz="question"]')).to_contain_text("writes 5 more")


def test_a_race_from_a_cold_link_by_the_keyboard(visit):
    tab = visit(slow=True)
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
    shares = tab.page.locator('[data-kvviz="ways-by-formula"] tbody tr td:nth-child(3)')
    expect(shares.first).to_have_text("100.0%")
    # A budget of 64 of 1,024 rows is a sixteenth.
    expect(shares.nth(1)).to_have_text("6.2%")
    # Each hook says how many traces plotly was given; as many are drawn.
    for name in ("speed-up-curve", "cache-bytes", "roofline"):
        hook = tab.page.locator(f'[data-kvviz="chart-{name}"]')
        n_traces = int(hook.get_attribute("data-n-traces"))
        expect(tab.chart(name).locator(".scatterlayer .trace")).to_have_count(n_traces)
        assert int(hook.get_attribute("data-n-points")) > n_traces
    on_a_very_large_screen_a_chart_is_larger_and_hears_the_pointer(tab)


LETTERS_OF_CHARTS = """() => Math.min(...[...document.querySelectorAll(".js-plotly-plot text")]
  .filter((one) => one.textContent.trim() && one.getBoundingClientRect().height)
  .map((one) => parseFloat(getComputedStyle(one).fontSize) * one.currentCSSZoom))"""


def on_a_very_large_screen_a_chart_is_larger_and_hears_the_pointer(tab):
    tab.page.set_viewport_size({"width": 2560, "height": 1440})
    chart = tab.chart("speed-up-curve")
    card = tab.page.locator(".st-key-kvviz-chart-speed-up-curve")
    # Its drawing is as wide as its place, and no wider: Plotly's own pixels are larger there.
    wide = card.bounding_box()["width"]
    drawing = chart.locator(".main-svg").first
    tab.page.wait_for_function(
        "([svg, wide]) => Math.abs(svg.getBoundingClientRect().width - wide) < 2",
        arg=[drawing.element_handle(), wide],
    )
    assert tab.page.evaluate(LETTERS_OF_CHARTS) >= 13
    mark = chart.locator(".scatterlayer .trace").last.locator(".points path").last.bounding_box()
    tab.page.mouse.move(mark["x"] + mark["width"] / 2, mark["y"] + mark["height"] / 2)
    expect(chart.locator(".hoverlayer .hovertext")).to_contain_text("L: ")


def test_it_fits_a_telephone_and_the_keyboard_goes_on_where_it_was_answered(visit):
    tab = visit(width=390, height=844, scheme="dark")
    open_page(tab)
    tab.answer_by_keyboard("cache-speed-up")
    expect(tab.page.locator('[data-kvviz="race"]')).to_be_attached()
    tab.page.get_by_role("button", name="Time the parts").click()
    expect(tab.page.locator('[data-kvviz="step-parts"]')).to_be_visible()
    tab.still()
    assert tab.overflow() <= 0
