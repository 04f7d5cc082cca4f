"""axe-core judges every page: WCAG 2.2 up to AA, and what it calls best practices.

And no figure of any page leaves open where its numbers come from. No sentence is unmarked, cut or
covered by another: axe looks at the pages in the pseudo-language, whose words are 40 % longer than
English ones.
"""

import pytest
from playwright.sync_api import expect

from kvviz.translation.pseudo import pseudo
from tests.browser.axe import JUDGE, TAGS
from tests.browser.pseudo_language import CUT, OVERLAPS, UNMARKED, in_pseudo
from tests.browser.visit import PATIENCE_MS, WORK_MS
from tests.browser.whole_page import SIGHTS, wait_until_whole

pytestmark = pytest.mark.browser

SIZES = {"wide": (1440, 1000), "narrow": (390, 844)}
UNCOVERED = """() => {
  const button = document.querySelector(".kv-close");
  const { left, right, top, bottom } = button.getBoundingClientRect();
  const middle = (left + right) / 2;
  const above = [top + 2, bottom - 2].map((y) => document.elementFromPoint(middle, y));
  return above.every((node) => !node?.closest(".kvviz-player") || node.closest(".kv-making"));
}"""
"""Whether the player's bar does not lie over the button that closes the making of a row."""


UNTAGGED = """() => {
  const said = (place) => [...place?.querySelectorAll(".kv-tag, .kvviz-tag") ?? []]
    .some((tag) => tag.dataset.tags && tag.innerText.trim());
  const titles = [...document.querySelectorAll(".kvviz-player .kv-title")]
    .filter((title) => title.checkVisibility() && !title.closest(".kv-making"));
  const bars = [...document.querySelectorAll(".kt-bar, .fc-bar")];
  const charts = [...document.querySelectorAll('[data-kvviz^="chart-"]')]
    .map((hook) => hook.closest('[class*="st-key-kvviz-chart-"]'));
  const drawn = '[data-kvviz="training-film"], [data-kvviz="token-columns"]';
  const cards = [...document.querySelectorAll(drawn)]
    .map((figure) => figure.closest('[class*="st-key-kvviz-card-"]'));
  const figures = [...titles, ...bars, ...charts, ...cards];
  return [figures.length, figures.filter((figure) => !said(figure)).map((one) => one?.outerHTML)];
}"""
"""How many figures there are, and those that do not say where their numbers come from."""


@pytest.mark.parametrize("name", SIGHTS)
def test_axe_finds_nothing_to_mend_and_no_figure_is_untagged_and_every_sentence_marked_and_whole(
    visit, axe, name
):
    tab = visit()
    tab.page.set_viewport_size({"width": 1440, "height": 1000})
    sight = in_pseudo(SIGHTS[name])
    sight.open(tab.page, tab.address, patience_ms=WORK_MS)
    n_figures, untagged = tab.page.evaluate(UNTAGGED)
    assert n_figures > 0
    assert untagged == []
    assert tab.page.evaluate(UNMARKED) == []
    tab.page.evaluate(axe)
    found = []

    def judge(what, *, colours=False):
        found.extend(f"{what}: {one}" for one in tab.page.evaluate(JUDGE, [TAGS, colours]))

    # The wide page last, and once more in the dark: it is the same in other colours, and has all
    # that a narrow one leaves out. To take on a size is much work for a page with charts.
    for scheme, sizes in {"light": ["narrow", "wide"], "dark": ["wide"]}.items():
        tab.page.emulate_media(color_scheme=scheme)
        expect(tab.page.get_by_test_id("stApp")).to_have_css("color-scheme", scheme)
        for size in sizes:
            width, height = SIZES[size]
            tab.page.set_viewport_size({"width": width, "height": height})
            wait_until_whole(tab.page, sight.hooks, patience_ms=PATIENCE_MS)
            tab.fits()
            assert tab.page.evaluate(CUT) == [], size
            assert tab.page.evaluate(OVERLAPS) == [], size
            judge(f"{size}, {scheme}", colours=scheme == "dark")
    if "player" in sight.hooks:
        tab.page.get_by_role("button", name=pseudo("How this row is made")).first.click()
        expect(tab.page.locator('[data-kvviz="row-making"]')).to_be_visible()
        tab.page.keyboard.press("t")
        expect(tab.player.locator("table").filter(visible=True).first).to_be_attached()
        # What opens is brought into sight a frame later, out from under the bar that stays there.
        tab.page.wait_for_function(UNCOVERED)
        judge("the making of a row, and the table")
    if "twins" in sight.hooks:
        tab.page.get_by_role("button", name=pseudo("How this row is made")).click()
        making = tab.page.locator('[data-kvviz="row-making"]')
        making.get_by_role("button", name=pseudo("spread of the row")).click()
        expect(
            tab.page.get_by_role("dialog", name=pseudo("Spread of a row of attention: its entropy"))
        ).to_be_visible()
        judge("the making of a row, and the arithmetic of its spread")
    assert found == []
