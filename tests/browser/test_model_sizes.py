import csv
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

HOOK = '[data-kvviz="model-sizes"]'
ONE_CHAT = 67_645_734_912


def opened(tab, **parameters):
    query = f"?{urlencode(parameters)}" if parameters else ""
    tab.page.goto(f"{tab.address}/model_sizes{query}")
    expect(tab.page.locator(HOOK)).to_be_visible()
    for name in ("cache-growth", "model-ladder", "parameter-parts"):
        expect(tab.chart(name)).to_be_visible()
    return tab.page


def has(page, **hooks):
    for name, value in hooks.items():
        expect(page.locator(HOOK)).to_have_attribute(f"data-{name.replace('_', '-')}", str(value))


def said(page):
    return {name: texts[0] for name, texts in parse_qs(urlsplit(page.url).query).items()}


def test_a_visitor_predicts_then_serves_a_model_and_takes_the_table_away(visit, tmp_path):
    tab = visit(slow=True)
    page = opened(tab)
    expect(page.get_by_role("button", name="8.46 GB")).to_be_visible()
    tab.answer_by_keyboard("cache-of-405b")
    expect(page.locator('[data-kvviz="verdict"]')).to_contain_text("It takes 67.6 GB")
    page.get_by_role("button", name="Set the controls to it").click()
    has(page, row="llama-3.1-405b", cache_bytes=ONE_CHAT, weights_bytes=811_706_777_600, needed=13)
    tab.still()
    assert said(page) == {"row": "llama-3.1-405b", "tokens": "131072"}

    page.locator(".st-key-kvviz-card-cache").get_by_role("button", name="the arithmetic").click()
    lines = page.locator(".kvviz-arithmetic").filter(visible=True)
    expect(lines).to_contain_text("126 layers × 131,072 positions × 2 (K and V) × 8 KV heads")
    expect(lines).to_contain_text(f"{ONE_CHAT:,} B a user")
    page.keyboard.press("Escape")

    users = page.get_by_role("spinbutton", name="Users")
    users.fill("4")
    users.press("Enter")
    has(page, users=4, cache_bytes=4 * ONE_CHAT)
    cache = page.get_by_role("combobox", name="Cache in")
    cache.focus()
    cache.press("ArrowDown")
    page.get_by_role("option", name="8 bits").click()
    has(page, users=4, cache_bytes=2 * ONE_CHAT)
    tab.still()
    assert said(page) | {"users": "4", "kv": "8bit"} == said(page)
    page.go_back()
    has(page, users=4, cache_bytes=4 * ONE_CHAT)

    with page.expect_download() as download:
        page.locator(".st-key-sizes-csv button").click()
    download.value.save_as(tmp_path / "models.csv")
    with (tmp_path / "models.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) >= 120
    assert all(line["source"] for line in lines)

    find = page.get_by_label("Find in the table")
    find.fill("no such model")
    find.press("Enter")
    expect(page.get_by_text("No model of the table says 'no such model'")).to_be_visible()
    find.fill("Mamba-2")
    find.press("Enter")
    expect(page.locator('[data-testid="stDataFrame"]')).to_be_visible()
    tab.still()
    assert said(page)["find"] == "Mamba-2"


def test_a_model_of_unknown_size_leaves_the_page_alive_and_all_fits_a_telephone(visit):
    tab = visit(width=390, height=844, scheme="dark")
    tab.page.goto(f"{tab.address}/model_sizes?row=gpt-4&users=many")
    expect(tab.page.get_by_text("has not disclosed how large GPT-4 is")).to_be_visible()
    expect(tab.page.get_by_text("Part of this link could not be used")).to_be_visible()
    expect(tab.chart("model-ladder")).to_be_visible()
    # The page's first question; those about the families in step come below.
    tab.page.get_by_role("button", name="Just show me").first.click()
    tab.page.get_by_role("button", name="Set the controls to it").click()
    has(tab.page, cache_bytes=ONE_CHAT)
    for name in ("cache-growth", "model-ladder", "parameter-parts"):
        expect(tab.chart(name)).to_be_visible()
    tab.still()
    assert tab.overflow() <= 0
