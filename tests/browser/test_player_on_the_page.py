"""The player inside the app: scrub, heads, both ways, dark, narrow."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.visit import PLAYER
from tests.factories import make_trace

pytestmark = pytest.mark.browser


def look_dark_and_light(tab):
    """Have the system go dark, and light again: the page is, and its canvas is drawn in both."""
    looks = {}
    for scheme in ("dark", "light"):
        tab.page.emulate_media(color_scheme=scheme)
        tab.wait(scheme=scheme)
        tab.painted()
        ground = tab.page.evaluate(
            "() => getComputedStyle(document.querySelector('.stApp')).backgroundColor"
        )
        canvas = tab.pixels(".kvviz-player canvas.kv-canvas:visible")
        assert canvas.std() > 10, f"the canvas is blank in {scheme}"
        looks[scheme] = (sum(map(int, re.findall(r"\d+", ground)[:3])), canvas.mean())
    assert looks["light"][0] > 600 > 150 > looks["dark"][0]
    assert looks["light"][1] > looks["dark"][1] + 50


def scrub(tab):
    """Go along the track with the pointer: nothing is sent until it is let go."""
    track = tab.page.locator(".kv-track")
    box = track.bounding_box()
    mouse = tab.page.mouse
    middle = box["y"] + box["height"] / 2
    mouse.move(box["x"] + 10, middle)
    mouse.down()
    n_before = tab.n_sent
    seen = set()
    for part in range(20, 100, 4):
        mouse.move(box["x"] + box["width"] * part / 100, middle)
        seen.add(tab.hooks()["step"])
    tab.wait(step=15)
    assert tab.n_sent == n_before
    assert len(seen) > 8
    mouse.up()
    tab.page.wait_for_url("**step=15**")
    assert tab.n_sent > n_before


def test_a_run_is_looked_at_by_key_by_pointer_dark_and_light(visit):
    tab = visit(scheme="dark")
    asked = []
    tab.page.on("request", lambda request: asked.append(request.url.rpartition("/")[2]))
    late = []
    tab.page.route(re.compile("/_kvviz/bytes/[0-9a-f]{64}$"), lambda route: late.append(route))
    tab.page.goto(f"{tab.address}/kv_cache?layer=0&head=0")
    tab.charts_come()
    # The picture is late: what stands below it is nearer than it will be, and all else is said.
    tab.page.locator('[data-kvviz="chart-step-cost"]').wait_for(state="attached")
    expect(tab.page.get_by_text("The picture is on its way…")).to_be_visible()
    tab.still()
    tab.page.wait_for_timeout(500)  # in which a chart that is near would be asked for
    late.pop().continue_()
    tab.wait(step=0, layer=0, head=0)
    tab.still()
    # Keys reach the player after a click on plain ground.
    tab.page.locator(".kvviz-lead").click()
    tab.page.keyboard.press("ArrowRight")
    tab.wait(step=1)
    # It has not waited for Plotly, which comes with its chart.
    (waiting,) = [name for name in asked if name.startswith("PlotlyChart")]
    look_dark_and_light(tab)
    tab.page.keyboard.press("Home")
    tab.wait(step=0)
    tab.page.wait_for_url(lambda address: "step" not in address)
    tab.still()
    scrub(tab)
    # A click on a head looks at it.
    thumbnail = tab.page.locator('.kv-head[data-index="29"]')
    thumbnail.scroll_into_view_if_needed()
    box = thumbnail.bounding_box()
    tab.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    tab.wait(layer=3, head=5)
    tab.page.wait_for_url(re.compile(r"layer=3&head=5"))
    chart = tab.chart("step-cost")
    chart.locator(".main-svg").first.wait_for()
    assert [name for name in asked if name.startswith("PlotlyChart")] == [
        waiting,
        f"{waiting}?whole",
    ]


def step_and_go_on(tab):
    """The stored run is stepped through, and the page leads to the next."""
    start = tab.wait(step=0, cache="both")
    look_dark_and_light(tab)
    # Keys reach the player after a click on plain ground.
    tab.page.get_by_role("heading", level=1).click()
    tab.page.keyboard.press("ArrowRight")
    step = tab.wait(step=1)
    assert (step["nComputed"], step["nComputedOff"]) == (1, start["nComputed"] + 1)
    tab.page.locator('a[href*="kv_cache"][href*="cache=both"]').click()
    tab.page.wait_for_url("**/kv_cache?cache=both")
    tab.wait(cache="both", nSteps=16)
    expect(tab.page.get_by_role("heading", name="KV cache, step by step")).to_be_visible()


def test_the_start_page_plays_its_stored_run_once_by_itself_and_leads_to_the_next_page(visit):
    tab = visit(scheme="dark", moving=True).open("/")
    last = tab.hooks()["nSteps"] - 1
    tab.page.wait_for_function(
        "player => Number(document.querySelector(player).dataset.step) > 1", arg=PLAYER
    )
    # As a person with less time lets it go on.
    tab.page.get_by_role("combobox", name="speed").select_option("8")
    tab.page.wait_for_selector(f"{PLAYER}[data-step='{last}']")
    # It stops there, both counts in sight, and where one is to go on is said below.
    expect(tab.page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    counts = [
        int(tab.page.locator(f'[data-cache="{cache}"]').get_attribute("data-n-computed-total"))
        for cache in ("on", "off")
    ]
    assert counts[1] > 5 * counts[0]
    # Once, and not at every visit.
    tab.page.get_by_role("link", name="How large models are").first.click()
    expect(tab.page.get_by_role("heading", name="How large models are")).to_be_visible()
    tab.page.get_by_role("link", name="Start here").click()
    tab.wait(step=0)
    tab.still()
    tab.page.wait_for_timeout(700)
    assert tab.hooks()["step"] == 0
    step_and_go_on(tab)


def fits_a_telephone(tab):
    tab.still()
    assert tab.overflow() <= 0
    box = tab.player.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390


def test_the_pages_with_a_player_fit_a_telephone(visit):
    # Its other name.
    tab = visit(width=390, height=844).open("/start")
    tab.wait(step=0)
    fits_a_telephone(tab)
    assert tab.page.get_by_role("dialog").count() == 0
    assert tab.page.get_by_role("heading", name="Watch a KV cache work").is_visible()
    tab.page.locator('a[href*="kv_cache"][href*="cache=both"]').click()
    tab.page.wait_for_url("**/kv_cache?cache=both")
    tab.wait(step=0, cache="both", nSteps=16)
    fits_a_telephone(tab)
    tab.page.get_by_role("button", name="With cache", exact=True).click()
    tab.wait(step=0, cache="on")
    fits_a_telephone(tab)
    tab.page.get_by_role("button", name="One step on").click()
    tab.wait(step=1)


def test_side_by_side_runs_the_other_way_when_it_was_too_costly_at_first(visit):
    # Few tokens, but so many that the run without the cache is not made unasked.
    tab = visit(works=True).open("/kv_cache", new="100")
    tab.wait(nSteps=100, cache="on")
    tab.page.get_by_role("button", name="Side by side", exact=True).click()
    both = tab.wait(cache="both", step=0)
    assert both["nComputedOff"] == both["nComputed"]
    tab.page.keyboard.press("End")
    end = tab.wait(step=99)
    assert (end["nComputed"], end["nReused"]) == (1, 105)
    assert (end["nComputedOff"], end["nReusedOff"]) == (106, 0)
    tab.page.wait_for_url("**cache=both**")


def test_the_check_in_float64_can_be_cancelled_and_asked_for_again(visit):
    tab = visit(works=True).open("/kv_cache", new="60", prompt="Once upon a time", cache="both")
    ask = tab.page.get_by_role("button", name="Run both ways in float64")
    tab.press_as_soon_as_it_is_there("Cancel")
    ask.click()
    expect(tab.page.get_by_text("Cancelled: nothing was kept of it.")).to_be_visible()
    expect(tab.page.get_by_text("In float64:")).to_have_count(0)
    assert tab.hooks()["nSteps"] == 60
    tab.page.get_by_role("button", name="Do it again").click()
    expect(tab.page.get_by_text("In float64:")).to_be_visible()


def fetch_a_layer(tab, tmp_path):
    """A layer that was left out is fetched when it is picked."""
    file = tmp_path / "wide.npz"
    make_trace(n_prompt=300, n_new=60, n_layers=24, n_heads=18, d_head=2).save(file)
    tab.page.get_by_role("button", name="Open a saved run").click()
    tab.page.locator('input[type="file"]').set_input_files(file)
    tab.wait(nSteps=60)
    tab.page.keyboard.press("Escape")
    expect(tab.page.locator('input[type="file"]')).to_have_count(0)
    tab.page.get_by_label("layer", exact=True).first.select_option("20")
    tab.wait(layer=20, nSteps=60)
    tab.page.get_by_role("button", name="One step on").click()
    tab.wait(layer=20, step=1)


def test_a_page_that_streamlit_has_taken_down_is_loaded_anew_and_a_run_opened_there(
    visit, tmp_path
):
    tab = visit().open("/kv_cache", prompt="The cat", new="3", step="2")
    tab.wait(step=2)
    tab.page.evaluate("""() => {
      document.querySelector("#root").remove();
      setTimeout(() => { throw new Error("Cannot set a node at a delta path"); });
    }""")
    tab.wait(step=2, nSteps=3)
    assert [one for one in tab.complaints if "delta path" not in one] == []
    tab.complaints.clear()
    fetch_a_layer(tab, tmp_path)
