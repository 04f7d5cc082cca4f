"""How much of a window the pictures have, and that a run is there without a scroll."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

# A run of 32 rows: seven tokens of the prompt, and what 25 steps have chosen.
RUN = {"new": "25", "cache": "both", "step": "18"}

LEAST = {(1440, 900): 0.45, (1920, 1080): 0.5, (2560, 1440): 0.5}
"""The share of each window that the pictures have, or more."""

BOXES = """() => {
  const boxes = {};
  for (const name of ["kv-history", "kv-part-kv", "kv-part-heat", "kv-next", "kv-bill"]) {
    const parts = [...document.querySelectorAll(`.${name}`)].filter((part) => part.offsetParent);
    const { left, right, top, bottom } = parts[0].getBoundingClientRect();
    boxes[name] = { left, right, top, bottom };
  }
  return boxes;
}"""

LETTERS = """() => {
  const small = [];
  for (const node of document.querySelectorAll(".kvviz-player *")) {
    const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim());
    if (own && node.offsetParent) small.push(parseFloat(getComputedStyle(node).fontSize));
  }
  return Math.min(...small);
}"""


def test_a_run_of_32_rows_is_there_whole_and_the_pictures_have_the_room(visit):
    tab = visit().open("/kv_cache", **RUN)
    tab.wait(step=18, nSteps=25, cache="both")
    for (width, height), least in LEAST.items():
        tab.page.set_viewport_size({"width": width, "height": height})
        tab.still()
        tab.painted()
        is_whole(tab, width, height, least)


def is_whole(tab, width, height, least):
    boxes = tab.page.evaluate(BOXES)
    share = sum(
        (box["right"] - box["left"]) * (min(box["bottom"], height) - box["top"])
        for box in boxes.values()
    ) / (width * height)
    assert share >= least, f"{share:.1%}"
    # All five pictures in sight; of the bill its table, what is below it is a remark.
    for name, box in boxes.items():
        assert 0 <= box["top"] < box["bottom"], name
        if name != "kv-bill":
            assert box["bottom"] <= height + 1, name
    table = tab.page.locator(".kv-bill-table").bounding_box()
    assert table["y"] + table["height"] <= height
    assert tab.page.evaluate(LETTERS) >= 9
    assert tab.overflow() <= 0
    # Rows agree both ways, which is said with the difference that was measured.
    said = tab.page.locator(".kv-same:visible")
    assert 0 <= float(said.get_attribute("data-difference")) < 1e-3
    expect(said).to_contain_text("the same both ways, to")


TWO_CACHES = """() => {
  const names = ["kv-history", "kv-part-kv", "kv-part-heat", "kv-next", "kv-bill"];
  const parts = names.flatMap((name) => [...document.querySelectorAll(`.${name}`)]);
  return parts.filter((part) => part.offsetParent).map((part) => {
    const { left, right, top, bottom } = part.getBoundingClientRect();
    return { name: part.className, left, right, top, bottom };
  });
}"""


BAR_ABOVE = """() => {
  const bar = Object.assign(document.createElement("div"), { id: "bar-above" });
  bar.style.height = "80px";
  document.querySelector("[data-testid=stMainBlockContainer]").prepend(bar);
}"""


def test_the_pictures_of_two_caches_are_there_whole_too(visit):
    tab = visit(width=1440, height=900).open("/encoder_decoder")
    tab.wait(step=0, nSteps=9)
    tab.still()
    # Drawn while something stands above that then goes, as a bar of progress does.
    tab.page.evaluate(BAR_ABOVE)
    tab.page.get_by_role("button", name="Side by side", exact=True).click()
    tab.wait(cache="both")
    tab.painted()
    tab.page.evaluate("() => document.querySelector('#bar-above').remove()")
    tab.still()
    tab.painted()
    are_whole_and_apart(tab, 1440, 900, 0.45)
    tab.page.get_by_role("button", name="With cache", exact=True).click()
    tab.wait(cache="on")
    for width, height, least in ((1440, 900, 0.45), (1920, 1080, 0.5)):
        tab.page.set_viewport_size({"width": width, "height": height})
        tab.still()
        tab.painted()
        are_whole_and_apart(tab, width, height, least)


def are_whole_and_apart(tab, width, height, least):
    parts = tab.page.evaluate(TWO_CACHES)
    # Lives, keys and values twice, two patterns, next tokens, bill.
    assert len(parts) == 7
    for one in parts:
        assert 0 <= one["top"] < one["bottom"] <= height, one
        assert one["right"] <= width, one
    shares = [(one["right"] - one["left"]) * (one["bottom"] - one["top"]) for one in parts]
    share = sum(shares) / (width * height)
    assert share >= least, f"{share:.1%}"
    # Next tokens and bill stand beside what is drawn, and over nothing of it.
    for one in parts:
        for other in parts:
            apart = (
                one is other
                or one["right"] <= other["left"]
                or other["right"] <= one["left"]
                or one["bottom"] <= other["top"]
                or other["bottom"] <= one["top"]
            )
            assert apart, (one, other)
    assert tab.page.evaluate(LETTERS) >= 9


def test_a_run_of_few_steps_stays_within_its_card(visit):
    tab = visit(height=900).open("/kv_cache", prompt="The cat sat on the mat. " * 4, new="3")
    tab.wait(nSteps=3)
    tab.still()
    for cache in ("With cache", "Side by side"):
        tab.page.get_by_role("button", name=cache, exact=True).click()
        tab.wait(cache="on" if cache == "With cache" else "both")
        tab.still()
        card = tab.page.locator(".kv-main").bounding_box()
        pattern = tab.page.locator(".kv-part-heat canvas:visible").first.bounding_box()
        assert pattern["x"] + pattern["width"] <= card["x"] + card["width"]


def test_a_phone_shows_one_picture_at_a_time_under_a_strip_that_stays(visit):
    tab = visit(width=390, height=844, touch=True).open("/kv_cache", new="4", cache="both")
    life, kv, pattern = (
        tab.page.locator(f"{part}:visible")
        for part in (".kv-history", ".kv-part-kv", ".kv-part-heat")
    )
    expect(life).to_have_count(1)
    expect(kv.or_(pattern)).to_have_count(0)
    tab.page.get_by_role("button", name="Pattern", exact=True).tap()
    expect(pattern).to_have_count(1)
    expect(life.or_(kv)).to_have_count(0)
    tab.page.get_by_role("button", name="K and V", exact=True).tap()
    expect(kv).to_have_count(1)
    tab.page.locator(".kv-bill").scroll_into_view_if_needed()
    tab.page.locator(".kv-bill-table tbody tr").last.scroll_into_view_if_needed()
    strip = tab.page.get_by_role("group", name="Tokens up to this step")
    expect(strip).to_be_in_viewport(ratio=1)
    # Below the bar that holds the sidebar's button, and above what is read under it.
    at = strip.bounding_box()
    on_top = tab.page.evaluate(
        "([x, y]) => document.elementFromPoint(x, y).closest('.kv-strip') !== null",
        [at["x"] + 60, at["y"] + at["height"] / 2],
    )
    assert on_top
    # A step on, it is where it was: it stays also while a run plays.
    tab.page.get_by_role("slider", name="Step").evaluate(
        "(node) => node.focus({preventScroll: true})"
    )
    tab.page.keyboard.press("ArrowRight")
    tab.wait(step=1)
    tab.painted()
    assert strip.bounding_box()["y"] == pytest.approx(at["y"], abs=1)
    assert tab.overflow() <= 0
