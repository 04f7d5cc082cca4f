"""What stands about a run: the card of its model, and the sheet that the page is printed on."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def test_the_card_of_the_model_is_read_and_a_dark_page_printed_light_and_whole(visit):
    tab = visit(scheme="dark")
    tab.open("/kv_cache", prompt="The little fox", new="4", cache="both", step="2")
    tab.wait(step=2, nSteps=4)
    tab.still()
    read_the_card(tab)
    print_it(tab)


def read_the_card(tab):
    """It is opened from the sidebar by a click and closed by the keyboard; the run stays."""
    tab.page.get_by_role("button", name="about this model").click()
    card = tab.page.get_by_role("dialog")
    expect(card.get_by_role("heading", name="Held-out figures")).to_be_attached()
    expect(card).to_contain_text("Project Gutenberg")
    tab.page.keyboard.press("Escape")
    expect(card).to_be_hidden()
    tab.wait(step=2)
    # With the card away the keyboard is the page's again.
    tab.answer_by_keyboard("edited-token")
    assert tab.complaints == []


def print_it(tab):
    """Whole, and without what is for a screen."""
    page = tab.page
    assert page.locator(".kvviz-player").get_attribute("data-scheme") == "dark"
    pdf = page.pdf(format="A4", print_background=True)
    # All of it: a window that scrolls would give a single sheet.
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) >= 2
    page.evaluate("() => void dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    page.wait_for_function("document.querySelector('.kvviz-player').dataset.scheme === 'light'")
    sheet = page.evaluate(
        """() => {
          const shown = (selector) =>
            [...document.querySelectorAll(selector)].some((node) => node.getClientRects().length);
          const main = document.querySelector("[data-testid=stMainBlockContainer]");
          const title = getComputedStyle(document.querySelector("h1")).color;
          return {
            sidebar: shown("[data-testid=stSidebar]"), player: shown(".kvviz-player canvas"),
            zoom: Number(getComputedStyle(main).zoom), title,
            width: document.querySelector(".kvviz-player .kv-main").getBoundingClientRect().width,
          };
        }"""
    )
    assert (sheet["sidebar"], sheet["player"]) == (False, True)
    assert 0.4 < sheet["zoom"] < 1
    assert sheet["title"] == "rgb(29, 29, 32)"
    # On the screen it is dark again afterwards.
    page.emulate_media(media="screen", color_scheme="dark")
    page.wait_for_function("document.querySelector('.kvviz-player').dataset.scheme === 'dark'")
