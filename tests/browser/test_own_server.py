"""What needs a server of its own: its first links, then models that do not ship.

The links come first in this file, when the server has answered nothing yet; one of them is stepped
through from end to end. The models are of other shapes and have tokenizers of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from playwright.sync_api import expect
from tokenizers import Tokenizer

from kvviz.ui.pages.bert_vs_gpt2.settings import EXPERIMENTS
from tests.browser.server import ROOT, serving
from tests.parity.published import ODD_PAIR, V1_1, save_bert, save_gpt2, save_t5

pytestmark = pytest.mark.browser

PICTURE = '[data-kvviz="twins"]'
N_NEW = 4


PROMPT = "The little dog ran to the park and"
N_STEPS = 16


@pytest.fixture(scope="module")
def own() -> Iterator[str]:
    """An app that has answered nothing before, and that loads whatever a link names."""
    with serving(KVVIZ_MODELS="*") as address:
        yield address


def test_two_come_at_once_by_cold_links_to_a_run_and_to_a_text(own, visit):
    """One steps through the run with the arrow keys, the other finds the film and the text."""
    reader = visit(address=own)
    reader.page.goto(f"{own}/language_modelling?text=The+dog+saw+the+cat.&point=9")
    tokenizer = Tokenizer.from_file(
        str(ROOT / "kvviz" / "weights" / "gpt2-mini" / "tokenizer.json")
    )
    n_prompt = len(tokenizer.encode(PROMPT).ids)
    tab = visit(address=own).open("/kv_cache", prompt=PROMPT, new=str(N_STEPS))

    prefill = tab.wait(step=0)
    assert prefill["nSteps"] == N_STEPS
    assert (prefill["kind"], prefill["cache"]) == ("prefill", "on")
    assert (prefill["nFed"], prefill["nComputed"], prefill["nReused"]) == (n_prompt, n_prompt, 0)
    for step in range(1, N_STEPS):
        tab.page.keyboard.press("ArrowRight")
        now = tab.wait(step=step)
        assert now["kind"] == "decode"
        assert (now["nFed"], now["nComputed"], now["nReused"]) == (1, 1, n_prompt + step - 1)
    tab.page.keyboard.press("ArrowRight")
    assert tab.hooks()["step"] == N_STEPS - 1

    tab.page.get_by_role("button", name="Without", exact=True).click()
    tab.wait(cache="off")
    for step in reversed(range(N_STEPS)):
        now = tab.wait(step=step)
        assert (now["nFed"], now["nComputed"], now["nReused"]) == (
            n_prompt + step,
            n_prompt + step,
            0,
        )
        tab.page.keyboard.press("ArrowLeft")

    picture = tab.pixels(".kvviz-player canvas.kv-canvas:visible")
    assert picture.std() > 10, "the canvas is blank"

    reader.page.wait_for_selector("[data-kvviz='training-film'][data-point='9']")
    reader.page.wait_for_selector(
        ".st-key-kvviz-card-lm-next [data-kvviz='token-columns'][data-n-tokens='6']"
    )
    expect(reader.page.get_by_role("heading", name="Learning from plain text")).to_be_visible()
    reader.still()


def test_every_experiment_is_done_with_two_models_that_are_no_twins(visit, own, tmp_path_factory):
    gpt2, bert = (tmp_path_factory.mktemp(name) for name in ("gpt2", "bert"))
    models = {"model": str(save_gpt2(gpt2)), "bert": str(save_bert(bert))}
    tab = visit(address=own)
    tab.page.goto(f"{own}/bert_vs_gpt2?{urlencode(models | ODD_PAIR)}")
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


def test_a_t5_of_version_1_1_shows_both_its_caches(visit, own, tmp_path):
    folder = save_t5(tmp_path, **V1_1)
    text = "The cat ___ on the ___."
    wanted = {"model": str(folder), "prompt": text, "new": str(N_NEW)}
    tab = visit(address=own)
    tab.page.goto(f"{own}/encoder_decoder?{urlencode(wanted)}")
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
