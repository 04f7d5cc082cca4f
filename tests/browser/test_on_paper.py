"""A page that is printed: whole, light, and without what is for a screen."""

import re

import pytest

pytestmark = pytest.mark.browser


def test_a_dark_page_is_printed_light_and_whole(visit):
    tab = visit(scheme="dark").open("/kv_cache", new="4", cache="both")
    tab.wait(nSteps=4)
    tab.still()
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
