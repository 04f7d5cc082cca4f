"""A deep link on a server that has answered nothing before, stepped from end to end."""

import pytest
from tokenizers import Tokenizer

from tests.browser.server import ROOT, serving

pytestmark = pytest.mark.browser

PROMPT = "The little dog ran to the park and"
N_NEW = 16


@pytest.fixture(scope="module")
def cold():
    with serving() as address:
        yield address


def test_a_cold_deep_link_is_stepped_through_with_the_arrow_keys(cold, visit):
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


def test_the_view_goes_into_the_address_and_opens_again_from_it(cold, visit):
    tab = visit(address=cold).open("/kv_cache", prompt=PROMPT, new="5")
    tab.wait(step=0)
    tab.page.keyboard.press("End")
    tab.wait(step=4)
    tab.page.wait_for_url("**step=4**")
    again = visit(address=cold)
    again.page.goto(tab.page.url)
    assert again.wait(step=4)["nReused"] == tab.hooks()["nReused"]


def test_the_start_page_opens_by_its_own_name(cold, visit):
    tab = visit(address=cold).open("/start")
    tab.still()
    assert tab.page.get_by_role("dialog").count() == 0
    assert tab.page.get_by_role("heading", name="Watch a KV cache work").is_visible()
    assert tab.complaints == []
