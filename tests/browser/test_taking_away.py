"""What a person takes away, the link and the files, and the way back to it."""

import csv
import re

import numpy as np
import pytest
from playwright.sync_api import expect

from kvviz.trace.storage import open_trace
from tests.browser.visit import TEXTS_OVER_TEXTS

pytestmark = pytest.mark.browser


def saved(tab, button, file):
    """Press a download button and return the file it gives."""
    with tab.page.expect_download() as download:
        tab.page.get_by_role("button", name=button, exact=True).click()
    download.value.save_as(file)
    return file


def open_a_run(tab, file):
    """Open a saved run from a file."""
    tab.page.get_by_role("button", name="Open a saved run").click()
    tab.page.locator('input[type="file"]').set_input_files(file)


def test_a_picture_of_shapes_is_legible_without_the_font_of_the_page(visit, tmp_path):
    tab = visit()
    # Of few steps: their lives are narrower than what stands above them.
    tab.open("/kv_cache", prompt="The cat", new="3", step="1")
    tab.wait(step=1)
    tab.page.get_by_role("button", name="Save picture").click()
    file = saved(tab, "The whole view as SVG", tmp_path / "view.svg")
    alone = visit()
    alone.address = "file://"
    alone.page.goto(file.as_uri())
    assert alone.page.locator("text", has_text="Decode step 1 of 2").count() == 1
    assert alone.page.evaluate(TEXTS_OVER_TEXTS) == []


def test_the_link_and_the_files_of_a_run_hold_what_is_on_screen_and_lead_back_to_it(
    visit, tmp_path
):
    tab = visit()
    tab.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.open("/kv_cache", prompt="The cat", new="4", step="2")
    on_screen = tab.wait(step=2)

    file = saved(tab, "Save run", tmp_path / "run.npz")
    trace = open_trace(file)
    assert trace.prompt == "The cat"
    assert len(trace.steps) == on_screen["nSteps"] == 4
    assert trace.steps[2].computed.size == on_screen["nComputed"]
    assert trace.steps[2].reused.size == on_screen["nReused"]

    text = saved(tab, "CSV", tmp_path / "steps.csv").read_text(encoding="utf-8")
    lines = list(csv.DictReader(text.splitlines()))
    assert [int(line["step"]) for line in lines] == [0, 1, 2, 3]
    for line, step in zip(lines, trace.steps, strict=True):
        assert int(line["n_computed"]) == step.computed.size
        assert int(line["n_reused"]) == step.reused.size
        assert int(line["flops"]) == step.flops
        assert int(line["cache_bytes"]) == step.cache_bytes
        assert float(line["time_ms"]) == pytest.approx(step.seconds * 1e3)

    offline = visit()
    offline.address = "file://"
    offline.page.goto(saved(tab, "HTML", tmp_path / "run.html").as_uri())
    in_file = offline.wait(step=2, nSteps=4)
    names = ("nComputed", "nReused", "nFed", "layer", "head", "cache", "kind")
    assert {name: in_file[name] for name in names} == {name: on_screen[name] for name in names}

    # The view goes into the address, the button copies that, and it opens the same view.
    tab.page.keyboard.press("End")
    at_the_end = tab.wait(step=3)
    tab.page.wait_for_url("**step=3**")
    tab.page.get_by_role("button", name="Copy link to this exact view").click()
    tab.page.get_by_role("button", name="Copied").wait_for()
    link = tab.page.evaluate("() => navigator.clipboard.readText()")
    assert link == tab.page.url
    other = visit()
    other.page.goto(link)
    assert other.wait(step=3, nSteps=4)["nReused"] == at_the_end["nReused"]

    # Where another run is on screen, the file brings the run back.
    new = other.page.get_by_role("spinbutton", name="New tokens")
    new.fill("2")
    new.press("Enter")
    other.run_prompt("One day")
    other.wait(nSteps=2)
    open_a_run(other, file)
    other.wait(nSteps=4, cache="on")
    other.page.keyboard.press("Escape")
    expect(other.page.locator('input[type="file"]')).to_have_count(0)
    again = open_trace(saved(other, "Save run", tmp_path / "again.npz"))
    assert np.array_equal(again.token_ids, trace.token_ids)


COLOURS = """
() => [...document.querySelectorAll(".kv-panel[data-run=on] canvas")].map((canvas) => {
  const { width, height } = canvas;
  const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
  return new Set(new Uint32Array(data.buffer)).size;
})
"""


def test_a_run_of_a_t5_is_drawn_in_the_offline_file_and_its_saved_run_has_its_blanks_filled_in(
    visit, tmp_path
):
    tab = visit().open("/encoder_decoder", step="2")
    on_screen = tab.wait(step=2)
    written = tab.page.locator('[data-kvviz="filled"]').inner_text()
    file = saved(tab, "Save run", tmp_path / "run.npz")

    offline = visit()
    offline.address = "file://"
    offline.page.goto(saved(tab, "HTML", tmp_path / "run.html").as_uri())
    expect(offline.page).to_have_title(re.compile("___"))
    in_file = offline.wait(step=2)
    names = ("nComputed", "nReused", "nCrossComputed", "nCrossReused", "layer", "head", "cache")
    assert {name: in_file[name] for name in names} == {name: on_screen[name] for name in names}
    assert (in_file["nCrossComputed"], in_file["nComputed"]) == (0, 1)
    assert in_file["nCrossReused"] > 5
    expect(offline.page.locator(".kv-panel[data-run=on] .kv-cross")).to_be_visible()
    # K and V, and the pattern, of the decoder's own cache and of the second.
    assert len(counts := offline.page.evaluate(COLOURS)) == 4
    assert min(counts) > 20

    other = visit().open("/encoder_decoder", prompt="One ___.", new="2")
    other.wait(nSteps=2)
    open_a_run(other, file)
    other.wait(nSteps=on_screen["nSteps"])
    filled = other.page.locator('[data-kvviz="filled"]')
    expect(filled).to_have_text(written)
    expect(filled.locator("mark.kvviz-filled").first).to_be_visible()
    expect(filled).not_to_contain_text("extra_id")


def test_the_browser_goes_back_and_forward_between_views(visit):
    tab = visit(slow=True).open("/kv_cache", new="6", layer="0", head="0")
    tab.wait(step=0, layer=0, head=0)
    tab.page.keyboard.press("End")
    tab.page.wait_for_url("**step=5**")
    tab.page.get_by_label("layer", exact=True).first.select_option("3")
    tab.page.wait_for_url("**layer=3**")
    tab.page.go_back()
    tab.wait(step=5, layer=0)
    tab.page.go_back()
    tab.wait(step=0, layer=0)
    tab.page.go_forward()
    tab.wait(step=5, layer=0)
    tab.page.go_forward()
    tab.wait(step=5, layer=3)
    tab.page.go_back()
    tab.wait(step=5, layer=0)
    # The very view that was told last before: it is heard again.
    tab.page.get_by_label("layer", exact=True).first.select_option("3")
    tab.page.wait_for_url("**layer=3**")


def test_the_browser_goes_back_and_forward_between_runs_and_keeps_what_was_not_run(visit):
    tab = visit().open("/kv_cache", prompt="The cat", new="3")
    tab.wait(nFed=2)
    tab.run_prompt("The dog and the bird")
    tab.page.wait_for_url(re.compile("prompt=The(%20|[+])dog"))
    tab.wait(nFed=5)
    prompt = tab.page.get_by_role("textbox", name="Prompt")
    tab.page.go_back()
    tab.wait(nFed=2)
    expect(prompt).to_have_value("The cat")
    tab.page.go_forward()
    tab.wait(nFed=5)
    expect(prompt).to_have_value("The dog and the bird")

    # Still at rest: nothing runs over and over, and nobody moves the address.
    tab.still()
    address, n_sent = tab.page.url, tab.n_sent
    tab.page.wait_for_timeout(1500)
    assert (tab.page.url, tab.n_sent) == (address, n_sent)

    # Going back keeps what was typed and not run.
    prompt.fill("A thought of my own")
    prompt.blur()
    tab.page.go_back()
    tab.wait(nFed=2)
    expect(prompt).to_have_value("A thought of my own")

    # Nor does a message right after the step take its place. Of two in one moment Streamlit runs
    # the script for the later one alone.
    tab.page.go_forward()
    tab.wait(nFed=5)
    tab.still()
    prompt.fill("Another thought")
    tab.page.evaluate("""() => {
      const more = document.querySelector('.st-key-kv-new [data-testid="stNumberInputStepUp"]');
      const before = location.href;
      const watch = setInterval(() => {
        if (location.href === before) return;
        clearInterval(watch);
        more.click();
      });
      history.back();
    }""")
    tab.wait(nFed=2)
    expect(prompt).to_have_value("Another thought")
    expect(tab.page.get_by_role("spinbutton", name="New tokens")).to_have_value("4")
    tab.page.wait_for_url("**prompt=The+cat&new=3")

    # The same step of one run after another: what is told of it is heard for each of them.
    last = tab.player.get_by_role("button", name="Last step")
    last.click()
    tab.page.wait_for_url("**step=2**")
    tab.page.get_by_role("spinbutton", name="New tokens").fill("3")
    tab.run_prompt("Two cats and a")
    tab.wait(nFed=6)
    tab.page.wait_for_url(lambda url: "prompt=Two" in url and "step" not in url)
    last.click()
    tab.wait(step=2)
    tab.page.wait_for_url("**prompt=Two*step=2**")
