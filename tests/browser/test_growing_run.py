"""A run is seen while it is made: the player comes with its first steps and grows with them."""

import re
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import expect

from tests.browser.app_timed_once import GO_ON, HELD_FROM, SLOW
from tests.parity.tiny_decoders import TinyDecoder

pytestmark = pytest.mark.browser

GROWING = '[data-kvviz="player"][data-growing]'
PROMPT = "The cat sat on the mat, and the dog sat by"
N_NEW = 24
WATCH = """node => {
  window.kvvizSeen = node;
  window.kvvizAway = 0;
  const look = () => {
    window.kvvizAway += !node.isConnected || node.getBoundingClientRect().height < 400;
    requestAnimationFrame(look);
  };
  look();
}"""
"""Looks at each frame whether the player stands where it stood."""
STOOD = """() => [
  window.kvvizAway, window.kvvizSeen === document.querySelector('[data-kvviz="player"]')
]"""


@pytest.fixture
def folder(tmp_path) -> Path:
    decoder = TinyDecoder("slow", config={"max_position_embeddings": 128, "num_hidden_layers": 3})
    return decoder.save(tmp_path / f"tiny{SLOW}")


def open_and_run(tab, folder, n_new=N_NEW):
    """Open a link to a run of the model, and press Run."""
    asked = {"model": str(folder), "prompt": PROMPT, "new": n_new, "cache": "on"}
    tab.page.goto(f"{tab.address}/kv_cache?{urlencode(asked)}")
    tab.page.get_by_role("button", name=re.compile("^Run")).click()


def until_held(tab) -> int:
    """Wait until the run under way is held, and return its steps so far."""
    tab.page.wait_for_function(
        f"() => Number(document.querySelector('{GROWING}')?.dataset.nSteps) >= {HELD_FROM}"
    )
    return int(tab.page.locator(GROWING).get_attribute("data-n-steps"))


def test_a_run_grows_for_all_who_wait_and_its_end_takes_over_where_they_look(visit, folder):
    follower, other = visit(works=True), visit(works=True, height=1400)
    open_and_run(follower, folder)
    n_steps = until_held(follower)
    player = follower.page.locator(GROWING)
    expect(player).to_have_attribute("data-step", str(n_steps - 1))
    expect(follower.page.locator('[data-kvviz="work-bar"]')).to_be_visible()
    player.evaluate(WATCH)
    # Another visitor joins the same run, looks at another head and goes back to its beginning.
    open_and_run(other, folder)
    until_held(other)
    seen = other.page.locator(GROWING)
    other.page.get_by_role("combobox", name="layer", exact=True).select_option("2")
    other.page.get_by_role("combobox", name="head", exact=True).select_option("1")
    other.page.locator(".kv-sentence").click()
    other.page.keyboard.press("Home")
    expect(seen).to_have_attribute("data-step", "0")
    expect(seen).to_have_attribute("data-layer", "2")
    seen.evaluate(WATCH)
    (folder / GO_ON).touch()
    follower.wait(step=N_NEW - 1, nSteps=N_NEW)
    assert follower.page.evaluate(STOOD) == [0, True]
    found = other.wait(step=0, nSteps=N_NEW, layer=2, head=1)
    assert other.page.evaluate(STOOD) == [0, True]
    assert found["kind"] == "prefill"
    # The addresses say what is looked at.
    follower.page.wait_for_url(re.compile(rf"step={N_NEW - 1}\b"))
    other.page.wait_for_url(re.compile(r"layer=2&head=1\b"))
    assert "step=" not in other.page.url
    expect(other.page.locator('[data-kvviz="work-bar"]')).to_have_count(0)


def test_a_run_that_grows_takes_the_place_of_the_one_before_and_is_cancelled(visit, folder):
    tab = visit(works=True)
    open_and_run(tab, folder, HELD_FROM - 1)
    tab.wait(step=0, nSteps=HELD_FROM - 1)
    card = tab.page.locator('[class*="st-key-kvviz-card-"]').first
    expect(card).to_be_visible()
    tab.player.evaluate(WATCH)
    tab.page.get_by_role("spinbutton", name="New tokens").fill(str(N_NEW))
    tab.run_prompt("Another text")
    n_steps = until_held(tab)
    # What is said of the run before is not said of this one.
    expect(card).to_be_hidden()
    tab.page.get_by_role("button", name="Cancel", exact=True).click()
    tab.wait(step=n_steps - 1, nSteps=n_steps)
    expect(card).to_be_visible()
    assert tab.page.evaluate(STOOD) == [0, True]
