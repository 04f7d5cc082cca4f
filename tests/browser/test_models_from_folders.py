"""Models that do not ship, of other shapes and with tokenizers of their own, in a real browser."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from playwright.sync_api import expect

from kvviz.ui.pages.bert_vs_gpt2.settings import EXPERIMENTS
from tests.browser.server import serving
from tests.parity.published import ODD_PAIR, V1_1, save_bert, save_gpt2, save_t5

pytestmark = pytest.mark.browser

PICTURE = '[data-kvviz="twins"]'
N_NEW = 4


@pytest.fixture(scope="module")
def anything() -> str:
    """An app that loads whatever a link names."""
    with serving(KVVIZ_MODELS="*", KVVIZ_THREADS="1") as address:
        yield address


def test_every_experiment_is_done_with_two_models_that_are_no_twins(
    visit, anything, tmp_path_factory
):
    gpt2, bert = (tmp_path_factory.mktemp(name) for name in ("gpt2", "bert"))
    models = {"model": str(save_gpt2(gpt2)), "bert": str(save_bert(bert))}
    tab = visit(address=anything)
    tab.page.goto(f"{anything}/bert_vs_gpt2?{urlencode(models | ODD_PAIR)}")
    question = tab.page.locator('[data-kvviz="question"]')
    verdict = tab.page.locator('[data-kvviz="verdict"]')
    question.wait_for()
    for do, name in EXPERIMENTS.items():
        tab.page.get_by_role("radio", name=name, exact=True).click()
        if do != "look":
            tab.page.wait_for_url(f"**do={do}**")
        # Until the next drawing is through, that of the experiment before stands there as well.
        expect(question).to_have_count(1)
        tab.page.get_by_role("button", name="Just show me").click()
        expect(verdict).to_be_visible()
        tab.still()
        assert tab.page.get_by_test_id("stAlert").count() == 0, do
        if do in ("look", "append", "edit", "masks"):
            expect(tab.page.locator(PICTURE)).to_have_attribute("data-veiled", "false")
        if do == "look":
            # Two layers of four heads beside three of three: the lists offer the most of each.
            root = tab.page.locator(PICTURE)
            root.get_by_label("layer", exact=True).select_option("2")
            root.get_by_label("head", exact=True).select_option("3")
            facts = root.locator(".kt-facts")
            expect(facts.first).to_contain_text("nearest it has: layer 1, head 3")
            expect(facts.nth(1)).to_contain_text("nearest it has: layer 2, head 2")


def test_a_t5_of_version_1_1_shows_both_its_caches(visit, anything, tmp_path):
    folder = save_t5(tmp_path, **V1_1)
    text = "The cat ___ on the ___."
    wanted = {"model": str(folder), "prompt": text, "new": str(N_NEW)}
    tab = visit(address=anything)
    tab.page.goto(f"{anything}/encoder_decoder?{urlencode(wanted)}")
    tab.player.wait_for()
    first = tab.wait(step=0)
    n = first["nCrossComputed"]
    assert n > 5
    assert tab.page.get_by_test_id("stAlert").count() == 0
    tab.page.get_by_role("button", name="Side by side", exact=True).click()
    both = tab.wait(cache="both")
    assert (both["nCrossComputed"], both["nCrossComputedOff"]) == (n, n)
    tab.page.locator(".kvviz-lead").click()
    tab.page.keyboard.press("ArrowRight")
    both = tab.wait(step=1)
    assert (both["nCrossComputed"], both["nCrossComputedOff"]) == (0, n)
