"""The experiment of the page on the two caches, done in a real browser."""

import re

import pytest
from playwright.sync_api import expect

from tests.parity.tiny_t5s import TinyT5

pytestmark = pytest.mark.browser

TEXT = "I saw a ___ in the ___."
N_NEW = 5


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return TinyT5("browser").save(tmp_path_factory.mktemp("t5"))


def test_a_person_loads_a_model_predicts_steps_and_is_told_and_fits_it_on_a_telephone(
    visit, folder
):
    tab = visit(slow=True, scheme="dark")
    tab.page.goto(f"{tab.address}/encoder_decoder?model={folder}&prompt={TEXT}&new={N_NEW}")
    # A random T5, loaded because a person here presses Run.
    tab.page.get_by_role("button", name=re.compile("^Run")).click()
    first = tab.wait(step=0, nSteps=N_NEW)
    n = first["nCrossComputed"]
    assert (first["nComputed"], first["nReused"], first["nCrossReused"]) == (1, 0, 0)
    assert n > 5
    # Both caches are drawn, and an input token is read.
    for selector in (".kv-cross canvas >> nth=0", ".kv-cross canvas >> nth=1"):
        assert tab.pixels(f".kvviz-player {selector}").std() > 10, "the canvas is blank"
    answer = tab.page.get_by_role("button", name=f"all {n}")
    stood = answer.bounding_box()
    tab.page.locator(".kv-input .kv-chip").nth(2).hover()
    expect(tab.page.locator(".kv-cross .kv-reading").first).to_contain_text("Input position 2")
    # What is read takes no room of its own: the answer would slip away from under a press.
    assert answer.bounding_box() == stood

    answer.click()
    expect(tab.page.locator('[data-kvviz="do"]')).to_be_visible()
    tab.page.locator(".kvviz-lead").click()
    for step in range(1, N_NEW):
        tab.page.keyboard.press("ArrowRight")
        now = tab.wait(step=step)
        assert (now["nComputed"], now["nReused"]) == (1, step)
        assert (now["nCrossComputed"], now["nCrossReused"]) == (0, n)
    told = tab.page.locator('[data-kvviz="told"]')
    expect(told).to_have_attribute("data-n-cross-computed", "0")
    expect(told).to_contain_text(f"You said all {n}. Step 1 computed 0 cross-attention rows")

    tab.page.get_by_role("button", name="Without", exact=True).click()
    without = tab.wait(cache="off", step=N_NEW - 1)
    assert (without["nCrossComputed"], without["nCrossReused"]) == (n, 0)
    tab.page.get_by_role("button", name="Side by side", exact=True).click()
    both = tab.wait(cache="both")
    assert (both["nCrossComputed"], both["nCrossComputedOff"]) == (0, n)
    tab.page.wait_for_url(re.compile("cache=both"))

    # On a telephone the sidebar with the Run button is folded away: shrink afterwards.
    tab.page.set_viewport_size({"width": 390, "height": 844})
    expect(tab.player).to_have_attribute("data-mode", "narrow")
    tab.still()
    assert tab.overflow() <= 0
    box = tab.player.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390


LONG = "A girl who had a ___.\n" + "One day she saw a big red ball in the garden. " * 40


def test_a_long_input_is_seen_to_scroll_and_leaves_the_page_its_height(visit):
    tab = visit().open("/encoder_decoder", prompt=LONG, new="4")
    strip = tab.page.locator(".kv-input")
    filled = tab.page.locator('[data-kvviz="filled"]')
    for width in (1440, 390):
        tab.page.set_viewport_size({"width": width, "height": 1000})
        expect(tab.player).to_have_attribute("data-mode", "narrow" if width == 390 else "wide")
        # In a wide player it is one line, whose end fades, else a text, whose last line does.
        strip.evaluate("node => node.scrollTo(0, 0)")
        if width == 390:
            expect(strip).to_have_class(re.compile("has-more"))
        else:
            expect(strip).to_have_attribute("style", re.compile("cut-end: [1-9]"))
        assert strip.bounding_box()["height"] < (140 if width == 390 else 50)
        strip.evaluate("node => node.scrollTo(node.scrollWidth, node.scrollHeight)")
        expect(strip).not_to_have_class(re.compile("has-more"))
        expect(strip).to_have_attribute("style", re.compile("cut-end: 0px"))
        assert filled.bounding_box()["height"] < 260
        assert filled.evaluate("node => node.scrollHeight > node.clientHeight")
        assert tab.overflow() <= 0
    # The same sign for a line's end as in the player.
    expect(filled).to_contain_text(".↵One day")
    expect(strip).to_contain_text("↵")


def test_a_short_input_does_not_scroll_and_another_head_of_the_encoder_is_drawn(visit):
    tab = visit().open("/encoder_decoder")
    strip = tab.page.locator(".kv-input")
    assert strip.evaluate("node => node.scrollHeight - node.clientHeight") == 0
    expect(strip).not_to_have_class(re.compile("has-more"))

    # The bars show the number of a sentinel.
    name = tab.page.locator(".kv-bar.is-chosen .kv-bar-token")
    expect(name).to_have_text("<extra_id_0>")
    expect(name).to_have_attribute("title", "<extra_id_0>")
    number, place = name.locator("span").nth(1).bounding_box(), name.bounding_box()
    expect(name.locator("span").nth(1)).to_have_text("id_0>")
    assert number["x"] + number["width"] <= place["x"] + place["width"] + 0.5

    hook = tab.page.locator('[data-kvviz="encoder-head"]')
    expect(tab.chart("attention-map")).to_be_visible()
    said, before = hook.inner_text(), hook.evaluate("node => ({...node.dataset})")
    tab.page.get_by_role("combobox", name="Head of the encoder").click()
    tab.page.keyboard.press("ArrowUp")
    tab.page.keyboard.press("Enter")
    expect(hook).not_to_have_text(said)
    assert hook.evaluate("node => ({...node.dataset})") != before
    expect(tab.page.locator('[data-kvviz="own-blank"]')).to_be_attached()
    assert tab.hooks()["layer"] == int(
        tab.page.locator('[data-kvviz="own-blank"]').get_attribute("data-layer")
    )

    # The keyboard goes on where the question was answered, also when a step tells more.
    spot = tab.answer_by_keyboard("cross-rows")
    tab.page.keyboard.press("ArrowRight")
    expect(tab.page.locator('[data-kvviz="told"]')).to_be_visible()
    expect(spot).to_be_focused()
