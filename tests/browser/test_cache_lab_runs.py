"""Guesses, ghosts, positions, beams and fewer numbers in the cache lab, in a browser: each done."""

import pytest
from playwright.sync_api import expect

from tests.browser.test_cache_lab import said

pytestmark = pytest.mark.browser

TEXT = "The cat sat on the mat. The dog sat on the mat. The cat saw the dog. The cat sat on"


def test_runs_of_other_kinds_are_predicted_done_and_told(visit):
    tab = visit(works=True)
    page = tab.page
    told = page.locator('[data-kvviz="verdict"]').first
    lives = page.locator('[data-kvviz="history"]')

    page.goto(f"{tab.address}/cache_lab?do=guess&text={TEXT}&new=8&guesses=3")
    expect(page.locator('[data-kvviz="question"]')).to_contain_text("Up to 3 tokens are guessed")
    expect(lives).to_have_count(1)
    # All answers can be read on a telephone too.
    page.set_viewport_size({"width": 390, "height": 844})
    tab.painted()
    answers = page.locator('[class*="st-key-ask-guess"] [role="radiogroup"]')
    expect(answers).to_have_count(2)
    cut = answers.evaluate_all("all => all.map((one) => one.scrollWidth - one.clientWidth)")
    assert cut == [0, 0]
    page.set_viewport_size({"width": 1280, "height": 900})
    tab.painted()
    tab.answer_by_keyboard("guess-and-take-back")
    expect(told).to_have_attribute("data-same-text", "1")
    expect(told).to_contain_text("The text is the one that the model writes without guesses")
    n_taken, n_passes = (
        int(told.get_attribute(f"data-n-{one}")) for one in ("taken-back", "passes")
    )
    assert n_passes < 8
    guessed = lives.first
    expect(guessed).to_have_attribute("data-n-taken-total", str(n_taken))
    expect(lives).to_have_count(2)
    expect(page.locator('[data-kvviz="guessed-text"]')).to_contain_text("guessed, and right")
    # Gone along by keys; the address follows.
    slider = page.get_by_role("slider").first
    slider.press("Home")
    expect(guessed).to_have_attribute("data-n-taken-total", "0")
    slider.press("ArrowRight")
    expect(guessed).to_have_attribute("data-step", "1")
    page.wait_for_url("**step=1**")
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme="dark")
    expect(page.locator('[data-kvviz="written-lives"]')).to_have_attribute("data-scheme", "dark")
    tab.fits()
    page.set_viewport_size({"width": 1280, "height": 900})
    # A list that is opened while the page is laid out anew shuts again.
    tab.still()
    # Who guesses is another question. The model itself is always right.
    tab.choose("Who guesses", "the model itself")
    expect(page.locator('[data-kvviz="question"]')).to_contain_text("The model itself guesses")
    tab.still()
    page.get_by_role("button", name="Just show me").click()
    expect(told).to_have_attribute("data-n-taken-back", "0")
    tab.still()
    assert said(page)["draft"] == "kvviz/gpt2-mini"

    page.get_by_role("radio", name="Ghosts").click()
    expect(page.locator('[data-kvviz="question"]')).to_contain_text("with 4 sinks")
    tab.still()
    tab.answer_by_keyboard("ghosts")
    expect(told).to_have_attribute("data-same-layers", "0")
    expect(told).to_contain_text("In the first layer all are the same to the last bit")
    expect(page.locator('[data-kvviz="ghost-table"] tbody tr')).to_have_count(6)
    n_evicted = int(told.get_attribute("data-n-evicted"))
    assert tab.wait(nLive=16)["nEvicted"] == n_evicted

    page.get_by_role("radio", name="Positions").click()
    tab.still()
    rows = page.get_by_role("spinbutton", name="Rows a head")
    rows.fill("8")
    rows.press("Enter")
    expect(page.locator('[data-kvviz="question"]')).to_contain_text("8 in all")
    tab.still()
    tab.answer_by_keyboard("positions-after-eviction")
    expect(told).to_have_attribute("data-frozen-at", "7")
    expect(told).to_contain_text("Renumbered they cannot be here")
    expect(page.locator('[data-kvviz="position-table"] tbody tr')).to_have_count(3)
    tab.wait(nLive=8)

    page.get_by_role("radio", name="Write four at once").click()
    expect(page.locator('[data-kvviz="question"]')).to_contain_text("the 4 likeliest texts")
    tab.still()
    tab.answer_by_keyboard("write-four")
    expect(told).to_have_attribute("data-proven", "1")
    expect(lives).to_have_count(5)
    expect(page.locator('[data-kvviz="beam-texts"] tbody tr')).to_have_count(5)
    expect(page.locator('[data-kvviz="written-lives"]')).to_contain_text("one copy for several")
    assert int(told.get_attribute("data-cache-bytes")) < int(told.get_attribute("data-alone-bytes"))

    page.get_by_role("radio", name="Fewer numbers").click()
    expect(page.locator('[data-kvviz="question"]')).to_contain_text("in one row of 1/4 as many")
    tab.still()
    tab.answer_by_keyboard("fewer-numbers")
    expect(told).to_have_attribute("data-rank", "128")
    expect(told).to_contain_text("In 128 of 512 numbers")
    expect(page.get_by_role("button", name="Measure it here")).to_be_visible()
    tab.wait(nLive=int(tab.hooks()["nLive"]))
    # Every earlier row is read from its one latent row, and drawn so.
    facts = tab.hooks()
    drawn = page.locator('[data-kvviz="player"] [data-kvviz="history"][data-cache="on"]')
    expect(drawn).to_have_attribute("data-n-packed", str(facts["nReused"]))
    expect(page.locator('[data-kvviz="chart-loss-by-rank"]')).to_be_attached()
    tab.fits()
