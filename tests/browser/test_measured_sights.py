"""What a person sees, measured: letters on canvases, a large zoom, first screens, a projector."""

from urllib.parse import quote_plus

import pytest
from playwright.sync_api import expect

from tests.browser.letters import WATCH, letters
from tests.browser.visit import WORK_MS, Visit

pytestmark = pytest.mark.browser

LEAST_LETTER = 9.9
"""Names of tokens have 10 pixels or more, and none is drawn where they would have less."""

WORD = "dog "
LIVES = ".kv-history-canvas:visible"
N_WORDS = 509
"""The first of them is two tokens. With [CLS] and [SEP] they fill the 512 that a BERT can read."""


def test_first_screens_show_their_pictures_with_letters_that_can_be_read(visit):
    tab = visit(width=1440, height=900, works=True).open("/encoder_decoder")
    names_of_tokens_part(tab)
    zoomed_to_200_percent(tab)
    the_lab_has_its_lives_in_sight(tab)
    both_patterns_are_whole(tab)


def names_of_tokens_part(tab: Visit) -> None:
    """In dense bands too, at the first step and after one."""
    tab.page.evaluate(WATCH)
    tab.page.keyboard.press("ArrowRight")
    tab.wait(step=1)
    for width, height in ((1920, 1080), (390, 844), (1440, 900)):
        tab.page.set_viewport_size({"width": width, "height": height})
        tab.still()
        tab.painted()
        drawn = letters(tab.page)
        # On a telephone one picture is on show at a time.
        assert drawn.n > (5 if width == 390 else 20), width
        assert drawn.smallest >= LEAST_LETTER, (width, drawn.of)
        assert drawn.touching == [], width


def zoomed_to_200_percent(tab: Visit) -> None:
    """A window of 1440 x 900 has half as many pixels then, each twice as fine."""
    screen = tab.page.context.new_cdp_session(tab.page)
    screen.send(
        "Emulation.setDeviceMetricsOverride",
        {"width": 720, "height": 450, "deviceScaleFactor": 2, "mobile": False},
    )
    tab.page.wait_for_function("() => innerWidth === 720 && devicePixelRatio === 2")
    tab.still()
    tab.painted()
    tab.fits()
    drawn = letters(tab.page)
    assert drawn.smallest >= LEAST_LETTER, drawn.of
    assert drawn.touching == []
    screen.send("Emulation.clearDeviceMetricsOverride")
    screen.detach()
    tab.page.set_viewport_size({"width": 1440, "height": 900})


def the_lab_has_its_lives_in_sight(tab: Visit) -> None:
    """At first sight, and after one step."""
    tab.page.get_by_role("link", name="Cache lab").click()
    tab.wait(step=8, nLive=16)
    tab.page.locator('[data-kvviz="verdict"]').wait_for()
    tab.still()
    lives = tab.page.locator(LIVES)
    for step in (8, 9):
        tab.wait(step=step)
        box = lives.bounding_box()
        # Of a window that is 900 high they have a third, the question and the controls above them.
        assert min(box["y"] + box["height"], 900) - box["y"] > 300, step
        assert tab.page.locator(".kvviz-told").bounding_box()["y"] > 0, step
        tab.page.keyboard.press("ArrowRight")
    # On a telephone too: the question stands below, and what is tried is one line.
    tab.page.set_viewport_size({"width": 390, "height": 844})
    tab.still()
    box, told = (tab.page.locator(one).bounding_box() for one in (LIVES, ".kvviz-told"))
    assert min(box["y"] + box["height"], 844) - box["y"] > 200
    assert told["y"] > box["y"] + box["height"]
    assert tab.overflow() <= 0
    tab.page.set_viewport_size({"width": 1440, "height": 900})


def both_patterns_are_whole(tab: Visit) -> None:
    """The masks and patterns of *BERT beside GPT-2*, at first sight."""
    tab.page.get_by_role("link", name="BERT beside GPT-2").click()
    expect(tab.page.locator('[data-kvviz="twins"]')).to_have_attribute("data-look", "attention")
    tab.still()
    patterns = tab.page.locator(".kt-canvas > canvas:first-child")
    expect(patterns).to_have_count(2)
    for number in range(2):
        box = patterns.nth(number).bounding_box()
        assert 0 < box["y"] < box["y"] + box["height"] <= 900


def test_a_bert_reads_all_the_text_that_it_can(visit):
    """512 tokens, which are drawn without their names, no wider than the window."""
    tab = visit(width=1440, height=900, works=True)
    text = quote_plus((WORD * N_WORDS).strip())
    tab.page.goto(f"{tab.address}/bert_vs_gpt2?layer=0&head=1&text={text}")
    twins = tab.page.locator('[data-kvviz="twins"]')
    # Both models read it, and every head of both is measured: some seconds on an idle machine.
    expect(twins).to_have_attribute("data-n-tokens-right", "512", timeout=2 * WORK_MS)
    tab.page.get_by_role("button", name="Just show me").click()
    expect(twins).to_have_attribute("data-veiled", "false")
    tab.still()
    assert tab.pixels(".kt-canvas > canvas").std() > 5, "the pattern is blank"
    tab.fits()


ASKED_FOR_PLOTLY = """() => performance.getEntriesByType("resource")
  .some(({ name }) => /PlotlyChart.*\\?whole/.test(name))
  || document.querySelector(".js-plotly-plot .main-svg") !== null"""


def test_a_chart_comes_on_a_projector_with_the_lists_in_sight_and_escape_leaves_it(visit):
    tab = visit(width=1920, height=1080, works=True).open("/kv_cache", new="3")
    tab.page.get_by_role("button", name="Presenter view").click()
    place = tab.page.locator('[data-kvviz="presenter"]')
    expect(tab.page.locator(".kv-stage")).to_have_attribute("data-kvviz-idea", "now")
    for name in ("layer", "head"):
        expect(tab.page.get_by_role("combobox", name=name, exact=True)).to_be_in_viewport()
    # Escape first closes what is open, and leaves the view when nothing is.
    tab.page.get_by_role("combobox", name="head", exact=True).select_option("2")
    tab.page.locator(".kv-making-open:visible").click()
    expect(tab.page.locator('[data-kvviz="row-making"]')).to_be_visible()
    tab.page.keyboard.press("Escape")
    expect(tab.page.locator('[data-kvviz="row-making"]')).to_be_hidden()
    expect(place).to_be_visible()
    tab.still()
    tab.charts_come()
    chart = tab.page.locator(".st-key-kvviz-chart-step-cost")
    for _ in range(14):
        if chart.locator("xpath=ancestor::*[@data-kvviz-idea]").count():
            break
        tab.page.keyboard.press("PageDown")
    # It is asked for as soon as it is in sight, and not ten seconds after the last key, as where a
    # part is still to come: of a sidebar that is not there nothing is waited for.
    tab.page.wait_for_function(ASKED_FOR_PLOTLY, timeout=8_000)
    expect(chart.locator(".js-plotly-plot .main-svg").first).to_be_visible(timeout=2 * WORK_MS)
    tab.page.keyboard.press("Escape")
    expect(place).to_be_hidden()
    expect(tab.page.get_by_test_id("stSidebar")).to_be_visible()
