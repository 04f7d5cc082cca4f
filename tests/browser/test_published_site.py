"""The published site, walked through from its files in Chromium, and its beginning in Firefox."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from kvviz.__main__ import main
from tests.browser.axe import JUDGE, TAGS
from tests.browser.pace import SLOWNESS
from tests.browser.server import ROOT
from tests.browser.test_firefox import find_firefox, missing

pytestmark = pytest.mark.browser

MOST_BYTES = 25e6
PLAYER = "[data-kvviz=player][data-ready=true]"
TWINS = "[data-kvviz=twins]"
FILM = "[data-kvviz=training-film]"
WIDTHS = (1440, 390)
FITS = """() => new Promise((fits, fail) => {
  const look = (until) => {
    if (document.documentElement.scrollWidth <= innerWidth) fits();
    else if (performance.now() > until) fail(new Error("wider than the window"));
    else requestAnimationFrame(() => look(until));
  };
  look(performance.now() + 10_000);
})"""
"""What is drawn for another width is laid out anew in a frame to come. The pages forbid what a wait
of the driver's own does in them: to look again it evaluates text."""
JUDGED = ("index", "bert_vs_gpt2-append", "language_modelling")
"""Pages that axe judges, one of each front end: what stands around the picture is alike on all."""


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The site, published once for both browsers."""
    folder = tmp_path_factory.mktemp("published") / "a site"
    assert main(["publish", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def page(browser, site) -> Page:
    """A tab that hears what a page says, and all that it asks for."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    page, heard = context.new_page(), []
    page.on("console", lambda message: heard.append(message.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    within = (f"{site.as_uri()}/", "data:", "blob:")
    page.on("request", lambda asked: asked.url.startswith(within) or heard.append(asked.url))
    yield page
    context.close()
    assert heard == []


def hooks(page: Page, selector: str) -> dict[str, str]:
    return page.locator(selector).evaluate("(node) => ({...node.dataset})")


def answer(page: Page, *labels: str):
    """Answer the question of the page; return what is told of it."""
    question = page.locator("[data-question]")
    for number, label in enumerate(labels):
        buttons = question.locator(f"button[data-choice='{number}']")
        buttons.get_by_text(label, exact=True).press("Enter")
    expect(question.locator("button[data-answer]")).to_have_count(0)
    # The keyboard goes on where the answers were; what is pressed before goes astray.
    expect(page.locator(".kvviz-answered")).to_be_focused()
    return question.locator(".kvviz-told")


def step_by_key(page: Page) -> dict[str, str]:
    """Press → on the page's ground and return what the player then shows."""
    before = int(hooks(page, PLAYER)["step"])
    page.keyboard.press("ArrowRight")
    page.wait_for_selector(f"{PLAYER}[data-step='{before + 1}']")
    return hooks(page, PLAYER)


def start(page: Page) -> None:
    both = hooks(page, PLAYER)
    assert both["cache"] == "both"
    told = answer(page, "2× to 2.5×", "more than 2.5×")
    # After an answer keys are the player's.
    seen = step_by_key(page)
    assert (seen["nComputed"], seen["nComputedOff"]) == ("1", str(int(both["nComputed"]) + 1))
    expect(told).to_contain_text("tokens")
    assert told.get_attribute("data-asked") == "2"
    cards = page.locator(".site-cards a")
    assert cards.count() == 5


def kv_cache(page: Page) -> None:
    assert hooks(page, PLAYER)["cache"] == "on"
    told = answer(page, "0")
    outcome = re.search(r"\d+", told.get_attribute("data-outcome"))[0]
    expect(page.locator(".kvviz-strip .kvviz-new")).to_have_count(int(outcome))
    expect(told).to_contain_text("You said 0.")
    seen = step_by_key(page)
    assert (seen["kind"], seen["nComputed"]) == ("decode", "1")


def look(page: Page) -> None:
    twins(page, "none", "more than a third")
    shown = hooks(page, TWINS)
    assert (shown["maskLeft"], shown["maskRight"]) == ("causal", "bidirectional")


def append(page: Page) -> None:
    told = twins(page, "none", "all")
    assert told.get_attribute("data-outcome") == "none | all"
    expect(told).to_contain_text("Right.")


def twins(page: Page, *labels: str):
    page.wait_for_selector(f"{TWINS}[data-veiled=true]")
    told = answer(page, *labels)
    page.wait_for_selector(f"{TWINS}[data-veiled=false]")
    pattern = page.locator(f"{TWINS} .kt-heads canvas, {TWINS} canvas.kt-heads").first
    before = hooks(page, TWINS)["head"]
    pattern.press("ArrowRight")
    page.wait_for_selector(f"{TWINS}:not([data-head='{before}'])")
    return told


def film(page: Page) -> None:
    assert hooks(page, FILM)["point"] == "0"
    page.locator(FILM).press("ArrowRight")
    page.wait_for_selector(f"{FILM}[data-point='1']")
    expect(answer(page, "that some words are frequent")).to_contain_text("learnt first")


def encoder_decoder(page: Page) -> None:
    n_encoder = hooks(page, PLAYER)["nCrossComputed"]
    told = answer(page, "0")
    expect(page.locator("[data-kvviz=do]")).to_contain_text("You say 0.")
    expect(told).to_have_count(0)
    seen = step_by_key(page)
    assert (seen["nCrossComputed"], seen["nCrossReused"]) == ("0", n_encoder)
    expect(told).to_have_attribute("data-n-cross-computed", seen["nCrossComputed"])
    expect(told).to_contain_text("Right.")


WALK = {
    "index": (PLAYER, start),
    "kv_cache": (PLAYER, kv_cache),
    "bert_vs_gpt2": (TWINS, look),
    "bert_vs_gpt2-append": (TWINS, append),
    "language_modelling": (FILM, film),
    "encoder_decoder": (PLAYER, encoder_decoder),
}


def test_the_site_is_small_enough_and_has_no_page_besides(site):
    files = list(site.rglob("*"))
    assert {file.name for file in files} == {f"{name}.html" for name in WALK}
    assert sum(file.stat().st_size for file in files) < MOST_BYTES


def test_it_is_walked_through_from_its_first_page_to_its_last(site, page, axe):
    page.goto((site / "index.html").as_uri())
    for number, (name, (picture, do)) in enumerate(WALK.items()):
        assert page.url == (site / f"{name}.html").as_uri()
        page.wait_for_selector(picture)
        do(page)
        page.locator(".site-why summary").press("Enter")
        expect(page.locator(".site-why .kvviz-source")).to_be_visible()
        expect(page.locator("[data-kvviz=live]")).to_contain_text("python -m kvviz app")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            page.evaluate(FITS)
        page.set_viewport_size({"width": 1440, "height": 900})
        if name in JUDGED:
            page.evaluate(f"() => {{ {axe} }}")
            assert page.evaluate(JUDGE, [TAGS, False, None]) == [], name
        last = number + 1 == len(WALK)
        page.get_by_role("link", name="From the beginning:" if last else "Next:").click()
    expect(page).to_have_url((site / "index.html").as_uri())


def test_it_begins_in_firefox_too(site):
    if lacks := missing():
        # Where all is to be tested, nothing is left out in silence.
        (pytest.fail if os.environ.get("CI") else pytest.skip)(lacks)
    script = Path(__file__).parent / "firefox" / "site.test.mjs"
    done = subprocess.run(
        ["node", "--test", "--test-reporter=tap", str(script)],
        env=os.environ
        | {
            "KVVIZ_SITE": str(site),
            "KVVIZ_FIREFOX": find_firefox() or "",
            "KVVIZ_SLOWNESS": str(SLOWNESS),
        },
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stdout
