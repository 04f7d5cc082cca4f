"""A beginning is shared in the cache lab, in a browser."""

import pytest
from playwright.sync_api import expect

from tests.browser.test_cache_lab import TEXT, said

pytestmark = pytest.mark.browser


def test_a_second_text_takes_over_the_rows_of_the_first_up_to_where_they_part(visit):
    tab = visit(works=True)
    page = tab.page
    other = TEXT.replace("red", "big")
    page.goto(f"{tab.address}/cache_lab?do=share&text={TEXT}&other={other}&new=4"
              "&prompts=Tim had a red ball%0ATim had a dog%0AOnce")  # fmt: skip
    texts = page.locator('[data-kvviz="shared-beginning"]')
    expect(texts.locator("b")).not_to_have_count(0)
    expect(texts.locator(".kvviz-is-shared")).to_have_count(0)
    expect(page.locator('[data-kvviz="player"]')).to_have_count(0)
    tab.answer_by_keyboard("share-a-beginning")
    told = page.locator('[data-kvviz="verdict"]').first
    expect(told).to_have_attribute("data-n-shared", "3")
    expect(told).to_contain_text("“big” where the first has “red”")
    # Three tokens of either text, and what the legend says of them.
    expect(texts.locator("dd .kvviz-is-shared")).to_have_count(6)
    found = tab.wait(step=0, nSteps=4)
    life = page.locator('[data-kvviz="history"][data-cache="on"]')
    expect(life).to_have_attribute("data-n-shared", "3")
    assert (found["nReused"], found["nComputed"]) == (3, int(told.get_attribute("data-n-computed")))
    expect(tab.player).to_contain_text("3 rows of another run reused")
    expect(tab.player).to_contain_text("reused, computed by another run")
    tab.player.focus()
    page.keyboard.press("End")
    tab.wait(step=3)
    page.wait_for_url("**step=3**")
    # While one types, the frontier moves at every key: nothing is run for it.
    area = page.get_by_role("textbox", name="Second text")
    typed = page.locator('[data-kvviz="typed-beginning"]')
    expect(typed).to_have_count(0)
    area.focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("Tim had a r")
    expect(typed).to_have_attribute("data-n-shared", "3")
    expect(typed).to_have_attribute("data-n-rows", "4")
    expect(texts).to_be_hidden()
    page.keyboard.type("ed ball")
    expect(typed).to_have_attribute("data-n-shared", "4")
    expect(typed.locator("dd .kvviz-is-shared")).to_have_count(8)
    page.keyboard.press("ArrowLeft")
    for _ in range(4):
        page.keyboard.press("ArrowLeft")
    page.keyboard.type("x")
    expect(typed).to_contain_text("in place of")
    # Typed back to what was run, that stands there again.
    area.fill(other)
    expect(typed).to_have_count(0)
    expect(texts).to_be_visible()
    # Several prompts are a tree, and each row of it is drawn.
    tab.answer_by_keyboard("tree-of-beginnings")
    tree = page.locator('[data-kvviz="prompt-tree"]')
    expect(tree).to_have_attribute("data-n-branches", "4")
    expect(page.locator('[data-kvviz="written-lives"] [data-kvviz="history"]')).to_have_count(3)
    tab.still()
    # Another word, further on: more is taken over, and the prediction is asked anew.
    area.fill(other.replace("big", "red").replace("tree", "house"))
    page.keyboard.press("Control+Enter")
    expect(texts.locator(".kvviz-is-shared")).to_have_count(0)
    tab.answer_by_keyboard("share-a-beginning")
    expect(told).to_contain_text("“house” where the first has “tree”")
    tab.wait(step=0, nSteps=4)
    tab.still()
    assert "house" in said(page)["other"]
    # What is too long is refused in a sentence, and stays as it was typed.
    area.fill("word " * 5000)
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("alert")).to_contain_text("too long for two runs side by side")
    assert len(area.input_value()) == 25_000
    area.fill(other)
    page.keyboard.press("Control+Enter")
    tab.wait(step=0, nSteps=4)
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme="dark")
    tab.fits()
