"""The cache lab in a browser: every experiment is done, and its hooks are read."""

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

TEXT = "Tim had a red ball. He threw the ball to his dog, and the dog ran to the tree and"


def said(page):
    return {name: texts[0] for name, texts in parse_qs(urlsplit(page.url).query).items()}


def test_a_part_is_kept_beside_the_full_cache_and_its_control(visit):
    tab = visit(works=True).open("/cache_lab", text=TEXT, cache="window:8", new="4", step="0")
    page = tab.page
    here, told = page.locator('[data-kvviz="kept-part"]'), page.locator('[data-kvviz="verdict"]')
    n_prompt = tab.wait(step=0)["nFed"]
    # First the prediction, then what came out; the run can be looked at before.
    expect(told).to_have_count(0)
    tab.answer_by_keyboard("keep-a-part")
    expect(told).to_have_attribute("data-cache-bytes", str(7 * 6 * 2 * 8 * 32 * 4))
    expect(told).to_contain_text("By lot:")
    expect(here).to_have_attribute("data-n-evicted", "0")
    # Step on: the player tells at which step it came to rest, and both caches' next tokens follow.
    page.keyboard.press("ArrowRight")
    expect(here).to_have_attribute("data-step", "1")
    expect(here).to_have_attribute("data-n-live", "8")
    expect(here).to_have_attribute("data-n-evicted", str(n_prompt + 1 - 8))
    hooks = tab.hooks()
    assert (hooks["nLive"], hooks["nEvicted"]) == (8, n_prompt + 1 - 8)
    for name in ("kept-next", "full-next"):
        expect(page.locator(f'[data-kvviz="{name}"] li')).to_have_count(5)
    expect(tab.chart("kept-steps")).to_be_visible()
    tab.still()
    assert said(page) | {"cache": "window:8", "step": "1"} == said(page)

    # Another way is another question; what was typed stays.
    rows = page.get_by_role("spinbutton", name="Rows a head")
    rows.fill("0")
    rows.press("Enter")
    expect(page.get_by_text("Rows: 2 to 1,024")).to_be_visible()
    tab.still()
    rows.fill("9")
    rows.press("Enter")
    expect(page.get_by_text("Rows: 2 to 1,024")).to_have_count(0)
    tab.still()
    tab.choose("Keep", "heavy hitters")
    expect(page.locator('[data-kvviz="question"]')).to_contain_text("heavy hitters")
    tab.still()
    page.get_by_role("button", name="Just show me").click()
    expect(told).to_contain_text("Heavy hitters (H2O)")
    expect(page.get_by_role("textbox", name="Text", exact=True)).to_have_value(TEXT)
    tab.still()
    assert said(page)["cache"] == "heavy:9"
    page.go_back()
    expect(told).to_have_count(0)


def test_what_ways_cost_is_told_by_a_record_covered_and_measured_here(visit):
    tab = visit(works=True)
    page, told = tab.page, tab.page.locator('[data-kvviz="verdict"]')
    page.goto(f"{tab.address}/cache_lab?do=budgets&ask=1")
    # Asked first: nothing of the answer is on the page.
    expect(page.locator('[data-kvviz="question"]')).to_contain_text("32 rows in each head")
    expect(told).to_have_count(0)
    expect(page.locator('[data-kvviz="budget-table"]')).to_have_count(0)
    page.get_by_role("button", name="window with 4 sinks").click()
    expect(told).to_have_attribute("data-recorded", "1")
    expect(page.locator('[data-kvviz="budget-table"] tbody tr')).to_have_count(7)
    expect(tab.chart("loss-by-budget")).to_be_visible()

    page.get_by_role("radio", name="Sinks").click()
    page.get_by_role("button", name="less than a third").click()
    costs = [
        float(told.get_attribute(f"data-cost-{sinks}") or "nan")
        for sinks in (0, 1)
        if expect(told).to_have_attribute("data-recorded", "1") is None
    ]
    assert costs[1] < costs[0]
    expect(page.locator('[data-kvviz="published-sinks"]')).to_contain_text("3,359.95")
    expect(page.locator('[data-kvviz="sink-heads"]')).to_be_visible()
    # Its numbers have the colour of the page's text, whatever the cells' own.
    number, text = tab.chart("sink-heads").locator(".textpoint text").first, page.locator("h1")
    expect(number).to_have_css("fill", text.evaluate("one => getComputedStyle(one).color"))
    page.get_by_role("button", name="in the first third of the layers").click()
    layers = page.locator('[data-kvviz="layer-table"] tbody tr')
    expect(layers).to_have_count(6)
    costs = [float(row.locator("td").nth(1).inner_text().split("±")[0]) for row in layers.all()]
    assert costs[0] == max(costs)

    page.get_by_role("radio", name="Fluent, and forgetful").click()
    page.get_by_role("button", name="a tenth or less").click()
    expect(page.locator('[data-kvviz="needle-table"] tbody tr')).to_have_count(5)
    expect(told).to_contain_text("the second telling gains")
    tab.still()
    assert said(page) == {"do": "needle", "ask": "1"}

    # What is measured here takes a while, and can be left alone.
    page.get_by_role("button", name="Measure it here").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("Cancelled: nothing was kept of it.")).to_be_visible()
    expect(page.get_by_role("button", name="Do it again")).to_be_visible()
