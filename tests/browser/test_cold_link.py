"""Deep links on a server that has answered nothing before; one is stepped from end to end."""

import pytest
from playwright.sync_api import expect
from tokenizers import Tokenizer

from tests.browser.server import ROOT, serving

pytestmark = pytest.mark.browser

PROMPT = "The little dog ran to the park and"
N_NEW = 16


@pytest.fixture
def cold():
    with serving() as address:
        yield address


def test_two_come_at_once_by_cold_links_to_a_run_and_to_a_text(cold, visit):
    """One steps through the run with the arrow keys, the other finds the film and the text."""
    reader = visit(address=cold)
    reader.page.goto(f"{cold}/language_modelling?text=The+dog+saw+the+cat.&point=9")
    tokenizer = Tokenizer.from_file(
        str(ROOT / "kvviz" / "weights" / "gpt2-mini" / "tokenizer.json")
    )
    n_prompt = len(tokenizer.encode(PROMPT).ids)
    tab = visit(address=cold).open("/kv_cache", prompt=PROMPT, new=str(N_NEW))

    prefill = tab.wait(step=0)
    assert prefill["nSteps"] == N_NEW
    assert (prefill["kind"], prefill["cache"]) == ("prefill", "on")
    assert (prefill["nFed"], prefill["nComputed"], prefill["nReused"]) == (n_prompt, n_prompt, 0)
    for step in range(1, N_NEW):
        tab.page.keyboard.press("ArrowRight")
        now = tab.wait(step=step)
        assert now["kind"] == "decode"
        assert (now["nFed"], now["nComputed"], now["nReused"]) == (1, 1, n_prompt + step - 1)
    tab.page.keyboard.press("ArrowRight")
    assert tab.hooks()["step"] == N_NEW - 1

    tab.page.get_by_role("button", name="Without", exact=True).click()
    tab.wait(cache="off")
    for step in reversed(range(N_NEW)):
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
