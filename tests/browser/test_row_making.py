"""The making of a row: opened by click, key and link, with the engine's own numbers."""

import json
import re

import pytest
from playwright.sync_api import expect

from kvviz.engine import head_origin, load_model, trace_generation
from tests.browser.axe import JUDGE, TAGS

pytestmark = pytest.mark.browser

MAKING = '[data-kvviz="row-making"]'


def made(tab):
    """Return what the open making says of itself."""
    return {name: json.loads(text) for name, text in hooks(tab).items() if name != "kvviz"}


def hooks(tab):
    return tab.page.locator(MAKING).evaluate("node => ({...node.dataset})")


def cell_of(tab, part, row, column, n_rows):
    """Return a place on the page: a cell of a pattern of square cells."""
    box = tab.page.locator(f"{part} canvas").first.bounding_box()
    # As layout.js has it: names of columns above, a little room on the left of bands.
    pitch = (box["width"] - 4 - 2 - 24) / n_rows
    return box["x"] + 4 + (column + 0.5) * pitch, box["y"] + 64 + (row + 0.5) * pitch


def test_a_cell_is_made_in_sight_by_click_key_and_link(visit):
    tab = visit(height=1400).open("/kv_cache", prompt="The cat sat", new="5", cache="on", step="2")
    tab.wait(step=2, nSteps=5)
    tab.still()
    making = tab.page.locator(MAKING)
    expect(making).to_be_hidden()
    n_rows = tab.hooks()["nComputed"] + tab.hooks()["nReused"] + 2
    tab.page.mouse.click(*cell_of(tab, ".kv-part-heat", 4, 1, n_rows))
    expect(making).to_be_visible()
    expect(making).to_have_attribute("data-query", "4")
    expect(making).to_have_attribute("data-key", "1")
    found = made(tab)
    # What is said is what the engine computes.
    trace = trace_generation(load_model("kvviz/gpt2-mini"), "The cat sat", max_new_tokens=5)
    layer, head = found["layer"], found["head"]
    query, key = trace.queries[layer, head, 4], trace.keys(layer)[head, 1]
    score = float(query @ key * trace.score_scale[layer])
    assert abs(found["score"] - score) <= found["within"] + 1e-5
    weight = float(trace.pattern(layer, head)[4, 1])
    assert abs(found["weight"] - weight) <= 3 * found["within"] * weight + 1e-6
    # The address keeps it, and arrows go to the next key and the row above.
    tab.page.wait_for_url("**cell=4.1**")
    tab.page.keyboard.press("ArrowRight")
    expect(making).to_have_attribute("data-key", "2")
    # The bands light it and read it, with the same number: the pointer rests on another cell.
    share = making.locator(".kv-figure").first.inner_text()
    expect(tab.page.locator(".kv-below:visible .kv-reading")).to_contain_text(f": {share} (layer")
    tab.page.keyboard.press("ArrowUp")
    expect(making).to_have_attribute("data-query", "3")
    assert tab.hooks()["step"] == 2
    # A number of the products that is pointed at stands in the line below.
    products = making.locator("canvas").first
    line = making.locator(".kv-making-line").first
    expect(line).to_contain_text("32 products, summed")
    products.hover(position={"x": 40, "y": 120})
    expect(line).to_contain_text("number ")
    making.get_by_role("button", name="Close").focus()
    tab.page.keyboard.press("Escape")
    expect(making).to_be_hidden()
    tab.page.wait_for_url(lambda url: "cell=" not in url)
    # Without a mouse: the newest row and what it looks at most, and the focus comes back.
    opening = tab.page.get_by_role("button", name="How this row is made")
    opening.focus()
    tab.page.keyboard.press("Enter")
    expect(making).to_be_focused()
    newest = str(tab.hooks()["nComputed"] + tab.hooks()["nReused"] - 1)
    expect(making).to_have_attribute("data-query", newest)
    tab.page.keyboard.press("Escape")
    expect(opening).to_be_focused()


def test_a_link_opens_the_making_of_a_row_of_both_caches_of_a_t5(visit):
    tab = visit(height=1400).open("/encoder_decoder", step="2", cell="2.3x", new="6")
    making = tab.page.locator(MAKING)
    expect(making).to_be_visible()
    found = made(tab)
    assert (found["query"], found["key"], found["cross"]) == (2, 3, True)
    assert 0 < found["weight"] <= 1
    # Pointing does not take the focus; a link has not asked for the keyboard.
    expect(making).not_to_be_focused()
    making.get_by_role("button", name="Close").click()
    expect(making).to_be_hidden()
    tab.page.get_by_role("button", name="How this row is made").first.click()
    expect(making).to_be_visible()
    found = made(tab)
    assert not found["cross"]
    assert tab.overflow() <= 0


def test_one_level_deeper_by_keyboard_is_what_the_engine_gives(visit, axe):
    tab = visit(height=1400).open(
        "/kv_cache",
        prompt="The cat sat",
        new="5",
        cache="on",
        step="2",
        cell="4.1",
        layer="3",
        head="2",
    )
    tab.wait(step=2, nSteps=5)
    making, origin = tab.page.locator(MAKING), tab.page.locator('[data-kvviz="row-origin"]')
    opening = making.get_by_role("button", name="How this key came about")
    opening.focus()
    tab.page.keyboard.press("Enter")
    expect(origin).to_be_focused()
    expect(origin).to_have_attribute("data-within", re.compile("."))
    found = origin.evaluate("node => ({...node.dataset})")
    assert (found["part"], found["layer"], found["head"], found["row"]) == ("key", "3", "2", "1")
    # Of the number looked at first, the largest, and of the next one.
    model = load_model("kvviz/gpt2-mini")
    trace = trace_generation(model, "The cat sat", max_new_tokens=5)
    row, within = trace.keys(3)[2, 1], head_origin(model, trace, 3, 2).within["key"]
    assert float(found["within"]) == pytest.approx(within, abs=1e-6)
    first = int(abs(row).argmax())
    assert int(found["number"]) == first
    assert abs(float(found["sum"]) - row[first]) <= float(found["within"]) + 1e-6
    tab.page.keyboard.press("ArrowRight")
    following = (first + 1) % len(row)
    expect(origin).to_have_attribute("data-number", str(following))
    assert abs(float(origin.get_attribute("data-sum")) - row[following]) <= within + 1e-6
    expect(making).to_have_attribute("data-key", "1")
    origin.get_by_role("button", name="Show every product").click()
    expect(origin.locator("li")).to_have_count(model.card.d_model)
    tab.page.evaluate(axe)
    assert tab.page.evaluate(JUDGE, [TAGS, False, MAKING]) == []
    # One level on, in a picture without numbers; then back, level by level.
    becoming = making.get_by_role("button", name="What the mix becomes")
    becoming.focus()
    tab.page.keyboard.press("Enter")
    on = tab.page.locator('[data-kvviz="mix-becoming"]')
    expect(on).to_be_focused()
    tab.page.keyboard.press("Escape")
    expect(on).to_be_hidden()
    expect(becoming).to_be_focused()
    tab.page.keyboard.press("Escape")
    expect(making).to_be_hidden()


def test_numbers_open_and_the_looked_at_token_leads_to_the_experiment_that_changes_it(visit):
    tab = visit(height=1400).open(
        "/kv_cache", prompt="The cat sat on", new="3", cache="on", cell="3.1", layer="3", head="2"
    )
    making = tab.page.locator(MAKING)
    expect(making.locator("[data-key]")).to_have_attribute(
        "data-key", re.compile("^([0-9a-f]{4} ){3}[0-9a-f]{4}$")
    )
    # Other numbers open the same way, and the focus comes back to them.
    popover = tab.page.get_by_role("dialog")
    for figure, says in (("next.1", "Its logit is"), ("making.entropy", "−w × log2 w")):
        opening = tab.page.locator(f'[data-open="{figure}"]')
        opening.focus()
        tab.page.keyboard.press("Enter")
        expect(popover).to_contain_text(says)
        tab.page.keyboard.press("Escape")
        expect(popover).to_be_hidden()
        expect(opening).to_be_focused()
    making.get_by_role("button", name="Change this token").click()
    experiment = tab.page.locator('[data-kvviz="edited-token"]')
    expect(experiment).to_have_attribute("data-position", "1")
    expect(experiment).to_be_in_viewport()
    expect(experiment).to_be_focused()
    expect(making).to_be_visible()
