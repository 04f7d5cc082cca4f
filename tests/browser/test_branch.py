"""Another token is taken in the player, and the branch stands beside its run, in a browser."""

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

PROMPT = "Tim had a red ball. He threw the ball to his dog"


def said(page):
    return {name: texts[0] for name, texts in parse_qs(urlsplit(page.url).query).items()}


def test_a_bar_is_pressed_and_the_branch_stands_beside_its_run(visit):
    tab = visit(works=True).open("/kv_cache", prompt=PROMPT, new="6", step="2")
    page = tab.page
    card = page.locator('[data-kvviz="branches"]')
    tabs, compared = (
        page.locator('[data-kvviz="run-tree"]'),
        page.locator('[data-kvviz="compared-runs"]'),
    )
    n_prompt = tab.wait(step=2)["nLive"] - 2
    expect(card).to_have_count(1)
    expect(tabs).to_have_count(0)
    takes = tab.player.locator(".kv-take:visible")
    first = takes.first.get_attribute("aria-label")
    takes.first.click()
    found = tab.wait(step=0, nSteps=3, nReused=n_prompt + 2, nComputed=1)
    life = page.locator('[data-kvviz="history"][data-cache="on"]')
    expect(life).to_have_attribute("data-n-shared", str(n_prompt + 2))
    expect(card).to_have_attribute("data-n-proven", str(n_prompt + 2))
    expect(card).to_have_attribute("data-parts-at", str(n_prompt + 2))
    expect(tabs).to_have_attribute("data-n-runs", "2")
    expect(compared).to_have_attribute("data-n-same", "2")
    expect(tab.player).to_contain_text("rows of another run reused")
    tab.still()
    branch = said(page)["branch"]
    assert branch.startswith("2.")
    assert found["cache"] == "on"
    # By the keyboard, from the branch's own next tokens: a branch of the branch.
    takes.nth(1).focus()
    page.keyboard.press("Enter")
    expect(tabs).to_have_attribute("data-n-runs", "3")
    tab.wait(step=0, nReused=n_prompt + 3, nComputed=1)
    tab.still()
    assert said(page)["branch"].startswith(f"{branch}-0.")
    expect(tabs).to_have_attribute("data-shown", said(page)["branch"])
    # Any two can be compared.
    tab.choose("Compare with", "The run")
    expect(compared).to_have_attribute("data-parts-at", str(n_prompt + 2))
    # Back by a tab, to the step at which it was left.
    page.get_by_role("radio", name="The run").click()
    tab.wait(step=2, nSteps=6)
    expect(tabs).to_have_attribute("data-shown", "full")
    expect(takes.first).to_have_attribute("aria-label", first)
    # Going back and typing over does the same.
    field = page.get_by_role("textbox", name="Or go back to a step")
    field.fill("zebra")
    field.press("Tab")
    tab.still()
    page.get_by_role("button", name="Branch off at the step in view").click()
    expect(tabs).to_have_attribute("data-n-runs", "4")
    tab.wait(step=0, nReused=n_prompt + 2)
    page.go_back()
    expect(tabs).to_have_attribute("data-shown", "full")
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme="dark")
    tab.fits()


def test_a_link_opens_a_branch_and_another_a_window_beside_every_row(visit):
    tab = visit(works=True).open("/kv_cache", prompt=PROMPT, new="6", branch="2.262")
    page = tab.page
    found = tab.wait(step=0, nComputed=1)
    card = page.locator('[data-kvviz="branches"]')
    expect(card).to_have_attribute("data-n-shared", str(found["nReused"]))
    page.goto(f"{tab.address}/kv_cache?prompt={PROMPT}&new=6&cache=window:4%2B2&step=2")
    hooks = tab.wait(step=2, nLive=6, cacheName="window")
    assert hooks["nEvicted"] == found["nReused"] - 6
    expect(card).to_have_count(0)
    compared = page.locator('[data-kvviz="compared-runs"]')
    expect(compared).to_have_attribute("data-bytes", str(5 * 6 * 2 * 8 * 32 * 4))
    expect(tab.player.locator(".kv-take:visible")).to_have_count(0)
    tab.player.get_by_role("button", name="Side by side").click()
    expect(page.get_by_text("is shown by itself")).to_be_visible()
    page.get_by_role("radio", name="The run").click()
    tab.wait(step=0, nEvicted=0)
    expect(card).to_have_count(1)
