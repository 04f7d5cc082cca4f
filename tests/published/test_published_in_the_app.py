"""The main page on SmolLM2, in a real Chromium: every layer, every step, by keys."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.server import serving
from tests.browser.visit import Visit

pytestmark = [pytest.mark.published, pytest.mark.browser]

MODEL = "kvviz/smollm2-135m"
PROMPT = "The capital of France is"
N_PROMPT, N_NEW = 5, 4


@pytest.fixture(scope="module")
def app(smollm2_folder, home, browser):
    """The app, which has loaded the model."""
    with serving(timed_once=True, KVVIZ_HOME=str(home)) as address:
        page = browser.new_page()
        Visit(page, address, cold=True).open("/kv_cache", model=MODEL, new="1")
        page.close()
        yield address


def test_the_main_page_steps_through_smollm2(app, visit):
    tab = visit(address=app, works=True)
    wanted = {"model": MODEL, "prompt": PROMPT, "new": str(N_NEW)}
    tab.open("/kv_cache", **wanted, layer="29", head="8")
    first = tab.wait(step=0)
    assert (first["nComputed"], first["nReused"], first["nSteps"]) == (N_PROMPT, 0, N_NEW)
    assert (first["layer"], first["head"]) == (29, 8)
    for step in range(1, N_NEW):
        tab.page.keyboard.press("ArrowRight")
        now = tab.wait(step=step)
        assert (now["nFed"], now["nComputed"], now["nReused"]) == (1, 1, N_PROMPT + step - 1)
    chosen = tab.page.get_by_role("combobox", name="Model", exact=True)
    expect(chosen).to_have_value("SmolLM2 135M · 30 layers")
    assert tab.pixels(".kvviz-player canvas.kv-canvas:visible").std() > 10, "the canvas is blank"
    assert tab.page.get_by_test_id("stAlert").count() == 0
