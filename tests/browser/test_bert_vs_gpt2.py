"""BERT beside GPT-2 in a real browser: predict, do, read what came out."""

import re
from urllib.parse import urlencode

import pytest
from playwright.sync_api import expect

from kvviz.ui.pages.bert_vs_gpt2.settings import EXPERIMENTS

pytestmark = pytest.mark.browser

PICTURE = '[data-kvviz="twins"]'
SHORT = "The cat sat on the"


def opened(tab, **parameters):
    """Open the page by a link and wait until it asks its question."""
    tab.page.goto(f"{tab.address}/bert_vs_gpt2?{urlencode(parameters)}")
    expect(tab.page.locator('[data-kvviz="question"]')).to_be_visible()
    return tab


def show_me(tab):
    tab.page.get_by_role("button", name="Just show me").click()
    expect(tab.page.locator('[data-kvviz="verdict"]')).to_be_visible()
    # The pictures below are drawn after the verdict, and the page moves until they are.
    tab.still()
    tab.painted()


def hooks(tab, selector=PICTURE):
    return tab.page.locator(selector).evaluate("node => ({...node.dataset})")


def step_in_one_go(tab):
    """Heads that are stepped through in one go are one entry of the history."""
    tab.still()
    before = tab.page.evaluate("history.length")
    heads = tab.page.locator(f"{PICTURE} .kt-heads").first
    heads.evaluate(
        """canvas => { for (let i = 0; i < 5; i++)
          canvas.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight" })); }"""
    )
    tab.page.wait_for_url("**head=5**")
    tab.still()
    assert tab.page.evaluate("history.length") == before + 1


def point_and_step(tab):
    """Both pictures show what is pointed at, and heads are stepped through by key."""
    left = tab.page.locator(f"{PICTURE} .kt-canvas canvas").first
    left.scroll_into_view_if_needed()
    # Names take 78 pixels at the left and 68 above; a cell is 32 wide, and [CLS] has the first.
    left.hover(position={"x": 78 + 32 * 1.5, "y": 68 + 32 * 3.5})
    reading = tab.page.locator(f"{PICTURE} .kt-reading").last
    expect(reading).to_contain_text("“␣sat” looks at “The”: GPT-2 mini")
    expect(reading).to_contain_text("BERT mini")
    left.hover(position={"x": 78 + 32 * 4.5, "y": 68 + 32 * 2.5})
    expect(reading).to_contain_text("“␣cat” looks at “␣on”: GPT-2 mini: forbidden by the mask")
    assert hooks(tab)["pointed"] == "2,4"
    right = tab.page.locator(f"{PICTURE} .kt-over").nth(1)
    assert right.evaluate(
        "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(v => v > 0)"
    )
    heads = tab.page.locator(f"{PICTURE} .kt-heads").first
    before = hooks(tab)
    heads.focus()
    key, by = ("ArrowUp", -1) if int(before["layer"]) > 0 else ("ArrowDown", 1)
    heads.press(key)
    expect(tab.page.locator(PICTURE)).to_have_attribute(
        "data-layer", str(int(before["layer"]) + by)
    )
    tab.page.wait_for_url(f"**layer={int(before['layer']) + by}**")
    tab.page.get_by_role("button", name="Mask", exact=True).click()
    expect(tab.page.locator(PICTURE)).to_have_attribute("data-look", "mask")
    tab.page.wait_for_url("**look=mask**")


def pick_again_after_going_back(tab):
    """A head that is picked again after going back is heard again."""
    picker = tab.page.locator(f"{PICTURE} select[aria-label=layer]")
    for layer in ("3", "4"):
        picker.select_option(layer)
        tab.page.wait_for_url(f"**layer={layer}**")
    tab.page.go_back()
    expect(tab.page.locator(PICTURE)).to_have_attribute("data-layer", "3")
    tab.still()
    picker.select_option("4")
    tab.page.wait_for_url("**layer=4**")


def cell_by_link_and_history(tab):
    """The address names the cell that is open; the way back and forward, and a reload, show it."""
    making = tab.page.locator('[data-kvviz="row-making"]')
    right = tab.page.locator(f"{PICTURE} .kt-canvas canvas:not(.kt-over)").nth(1)
    right.focus()
    right.press("ArrowRight")
    right.press("Enter")
    expect(making).to_have_attribute("data-side", "right")
    tab.page.wait_for_url("**cell=0.0b**")
    # Figures of the row open, and Escape closes the box and not the row.
    spread = making.get_by_role("button", name="spread of the row")
    spread.press("Enter")
    box = tab.page.get_by_role("dialog", name="Spread of a row of attention")
    expect(box).to_contain_text("bits")
    tab.page.keyboard.press("Escape")
    expect(box).to_have_count(0)
    expect(spread).to_be_focused()
    making.focus()
    making.press("ArrowDown")
    tab.page.wait_for_url("**cell=1.0b**")
    tab.still()
    tab.page.go_back()
    expect(making).to_have_attribute("data-query", "0")
    tab.still()
    tab.page.go_forward()
    expect(making).to_have_attribute("data-query", "1")
    tab.still()
    tab.page.reload()
    expect(making).to_have_attribute("data-query", "1")
    expect(making).to_have_attribute("data-side", "right")
    facts = tab.page.locator(f"{PICTURE} .kt-facts").nth(1)
    facts.get_by_role("button", name="spread").click()
    mean = tab.page.get_by_role("dialog", name="Spread of a head")
    expect(mean).to_contain_text(re.compile(r"\(.* \+ … \+ .*\) / 24 tokens = [\d.]+ bits"))
    mean.get_by_role("button", name="Close").click()


def test_the_page_opens_with_its_point_and_covers_it_when_asked_to(visit):
    tab = opened(visit())
    picture, verdict = tab.page.locator(PICTURE), tab.page.locator('[data-kvviz="verdict"]')
    expect(picture).to_have_attribute("data-veiled", "false")
    expect(verdict).to_contain_text("gave 0 % of its attention to tokens still to come")
    expect(tab.page.locator('[data-kvviz="recorded"]')).to_be_visible()
    cell_by_link_and_history(tab)
    tab.page.get_by_role("button", name="Cover it and ask me").click()
    expect(picture).to_have_attribute("data-veiled", "true")
    expect(verdict).to_have_count(0)
    tab.page.wait_for_url("**ask=1**")
    show_me(tab)
    expect(picture).to_have_attribute("data-veiled", "false")
    # The way back leads to what was there: nothing covered.
    tab.page.go_back()
    tab.page.wait_for_url(lambda url: "ask" not in url)
    expect(verdict).to_be_visible()


def test_a_person_predicts_then_looks_at_both_models_head_by_head(visit):
    tab = opened(visit(slow=True), text=SHORT, layer="0", head="0")
    expect(tab.page.locator(PICTURE)).to_have_attribute("data-veiled", "true")
    assert "forwardLeft" not in hooks(tab)
    answers = tab.page.locator(".st-key-kvviz-answers-look-ahead")
    answers.get_by_role("radio", name="none").first.click()
    answers.get_by_role("radio", name="more than a third").nth(1).click()
    verdict = tab.page.locator('[data-kvviz="verdict"]')
    expect(verdict).to_have_attribute("data-right", "2")
    expect(tab.page.locator(PICTURE)).to_have_attribute("data-veiled", "false")
    found = hooks(tab)
    assert (found["maskLeft"], found["maskRight"]) == ("causal", "bidirectional")
    assert (found["nTokensLeft"], found["nTokensRight"]) == ("5", "7")
    assert found["forwardLeft"] == "0"
    assert found["forwardRight"] != "0"  # a number of per cent, or "<0.1"
    for measure in ("forward", "entropy", "distance"):
        expect(tab.chart(f"head-comparison-{measure}")).to_be_visible()
    # The pictures below are drawn after the verdict, and the page moves until they are.
    tab.still()
    tab.painted()
    step_in_one_go(tab)
    point_and_step(tab)
    pick_again_after_going_back(tab)
    # Of another text the same is asked anew.
    tab.page.get_by_role("textbox", name="Text", exact=True).fill(f"{SHORT} mat.")
    tab.page.keyboard.press("Control+Enter")
    expect(verdict).to_have_count(0)
    tab.answer_by_keyboard("look-ahead")


def read_by_key(tab):
    """Patterns and rows are read cell by cell."""
    rows = tab.page.locator('[data-kvviz="row-changes"]')
    reading = rows.locator(".kt-reading")
    canvas = rows.locator("canvas").nth(1)
    canvas.focus()
    canvas.press("ArrowDown")
    expect(reading).to_contain_text("BERT mini, layer 0, position 0 “[CLS]”: the same")
    # What is read in the map is lit in the text too.
    lit = tab.page.locator(f"{PICTURE} .kt-lit")
    expect(lit).to_contain_text("[CLS]")
    canvas.press("ArrowDown")
    expect(reading).to_contain_text("BERT mini, layer 1, position 0 “[CLS]”: changed, by up to 0.")
    # BERT knows the appended word as two tokens.
    for _ in range(10):
        canvas.press("ArrowRight")
    expect(reading).to_contain_text("position 8 “[SEP]”: new")
    expect(lit).to_contain_text("[SEP]")
    pattern = tab.page.locator(f"{PICTURE} .kt-canvas canvas").first
    pattern.focus()
    # On from the token that is lit, or the nearest that this model has.
    for key in ("ArrowUp", "ArrowUp", "ArrowRight"):
        pattern.press(key)
    looked = tab.page.locator('[data-kvviz="attention-twins"] .kt-reading')
    expect(looked).to_contain_text("looks at “␣cat”: GPT-2 mini")
    expect(lit).to_have_count(2)


def fill_a_blank(tab):
    tab.page.get_by_role("radio", name=EXPERIMENTS["blank"], exact=True).click()
    tab.page.wait_for_url("**do=blank**")
    tab.answer_by_keyboard("blank")
    expect(tab.page.locator('[data-kvviz="verdict"]')).to_be_visible()
    for way in ("left", "tried", "both"):
        bars = tab.page.locator(f'[data-kvviz="blank-{way}"]')
        expect(bars.locator(".kvviz-bar-marked code")).to_have_text("␣sat")
        assert int(bars.get_attribute("data-rank")) >= 1
    tab.page.get_by_role("radio", name="A word in context").click()
    show_me(tab)
    lines = tab.page.locator('[data-kvviz="context"] tbody tr')
    expect(lines.first).to_contain_text("every layer")
    expect(lines.nth(1)).to_contain_text("layer 0")
    expect(tab.chart("vector-shifts")).to_be_visible()


def test_rows_change_and_a_blank_is_filled_and_a_word_seen_in_context(visit):
    """They change in BERT when a word is appended, in GPT-2 when the masks are swapped."""
    tab = opened(visit(slow=True), do="append", text=SHORT, word="mat", blank="2")
    show_me(tab)
    section = tab.page.locator('[data-kvviz="row-changes"]')
    expect(section).to_have_attribute("data-changed0-left", "0")
    # 5 tokens in 6 layers; [CLS], 5 tokens and [SEP]: the first layer changes where [SEP] stood.
    expect(section).to_have_attribute("data-earlier0-left", "30")
    expect(section).to_have_attribute("data-earlier0-right", "42")
    expect(section).to_have_attribute("data-changed0-right", "36")
    read_by_key(tab)
    tab.page.get_by_role("radio", name="Swap the masks").click()
    expect(tab.page.locator('[data-kvviz="question"]')).to_contain_text("masks are swapped")
    show_me(tab)
    expect(section).to_have_attribute("data-changed1-left", "25")
    expect(section).to_have_attribute("data-changed1-right", "6")
    expect(tab.page.locator('[data-kvviz="mask-losses"] tbody tr')).to_have_count(4)
    tab.page.wait_for_url("**do=masks**")
    tab.page.get_by_role("radio", name="Edit a word").click()
    show_me(tab)
    expect(section).to_have_attribute("data-changed0-right", "36")
    assert tab.page.get_by_role("textbox", name="Text", exact=True).input_value() == SHORT
    fill_a_blank(tab)


def fits_a_phone(tab):
    for scheme in ("light", "dark"):
        tab.page.emulate_media(color_scheme=scheme)
        expect(tab.page.locator(PICTURE)).to_have_attribute("data-scheme", scheme)
    expect(tab.page.locator('[data-kvviz="row-changes"]')).to_have_attribute(
        "data-changed0-left", "0"
    )
    tab.still()
    assert tab.overflow() <= 0


def test_the_page_fits_a_phone_where_a_finger_reads_and_what_it_read_stays(visit):
    tab = opened(visit(width=390, height=844, touch=True), do="append", text=SHORT, word="mat")
    show_me(tab)
    fits_a_phone(tab)
    rows = tab.page.locator('[data-kvviz="row-changes"]')
    canvas = rows.locator("canvas").nth(1)
    canvas.scroll_into_view_if_needed()
    canvas.tap(position={"x": 78 + 10, "y": 30})
    reading = rows.locator(".kt-reading")
    expect(reading).to_contain_text("BERT mini, layer 1, position 0 “[CLS]”: changed, by up to")
    pattern = tab.page.locator(f"{PICTURE} .kt-canvas canvas").first
    pattern.scroll_into_view_if_needed()
    box = pattern.bounding_box()
    pattern.tap(position={"x": box["width"] * 0.45, "y": box["height"] * 0.8})
    looked = tab.page.locator('[data-kvviz="attention-twins"] .kt-reading')
    expect(looked).to_contain_text("looks at")
    tab.still()
    expect(looked).to_contain_text("looks at")


def test_rows_of_a_long_text_that_changed_do_not_look_like_new_ones_or_kept_ones(visit):
    """Cells are two pixels wide there, and a frame around each would fill them."""
    tab = opened(visit(works=True), do="append", text=f"{SHORT} mat and looked. " * 22)
    show_me(tab)
    section = tab.page.locator('[data-kvviz="row-changes"]')
    expect(section).to_have_attribute("data-changed0-left", "0")
    rows = section.locator("canvas")
    drawn = []
    for scheme in ("light", "dark"):
        tab.page.emulate_media(color_scheme=scheme)
        expect(tab.page.locator(PICTURE)).to_have_attribute("data-scheme", scheme)
        tab.painted()
        gpt2, bert = rows.evaluate_all(COLOURS_OF_ROWS)
        assert len({bert["kept"], bert["changed"], bert["added"]}) == 3
        assert gpt2["kept"] == gpt2["changed"] == bert["kept"]
        assert gpt2["added"] == bert["added"]
        drawn.append(bert)
    assert drawn[0] != drawn[1]


COLOURS_OF_ROWS = """
canvases => canvases.map(canvas => {
  const { width, height } = canvas;
  // Of a copy: the browser warns of a canvas that is read twice.
  const pen = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  pen.drawImage(canvas, 0, 0);
  const row = layer => Math.round((2 + layer * 16 + 6.5) * height / (2 + 6 * 16));
  const { data } = pen.getImageData(0, 0, width, height);
  const at = (x, layer) => data.slice(4 * (row(layer) * width + x)).slice(0, 4).join();
  const filled = Array.from({ length: width }, (_, x) => x)
    .filter(x => x > 52 && at(x, 3).split(",")[3] !== "0");
  const places = [filled[Math.round(filled.length / 3)], filled.at(-1)];
  return { kept: at(places[0], 0), changed: at(places[0], 3), added: at(places[1], 3) };
})
"""


def cancel_writing(tab):
    tab.page.get_by_role("button", name="Just show me").click()
    cancel = tab.page.get_by_role("button", name="Cancel")
    expect(cancel).to_be_visible()
    # While it is worked on, no answer is offered any more.
    assert tab.page.get_by_role("button", name="Just show me").count() == 0
    assert tab.page.get_by_role("button", name="over and over").count() == 0
    stopped = tab.page.get_by_text("Cancelled: nothing was kept of it.")
    cancel.click()
    expect(stopped).to_be_visible()
    tab.page.get_by_role("button", name="Do it again").click()
    cancel.click()
    expect(stopped).to_be_visible()
    number = tab.page.get_by_role("spinbutton", name="Tokens to write")
    number.fill("2")
    number.press("Enter")
    show_me(tab)
    expect(tab.page.locator('[data-kvviz="writing"] tbody tr')).to_have_count(3)
    for way in ("left", "append", "refine"):
        expect(tab.page.locator(f'[data-kvviz="written-{way}"]')).to_contain_text(SHORT)
    # 5 tokens and one more with the cache; [CLS], 5 or 6 tokens, [MASK] and [SEP] without.
    for cache, n in (("on", "6"), ("off", "17")):
        life = tab.page.locator(f'[data-kvviz="history"][data-cache="{cache}"]')
        expect(life).to_have_attribute("data-n-computed-total", n)
    # The step of the lives is in the address, and the way back leads to the one before.
    life.locator("canvas").press("ArrowLeft")
    tab.page.wait_for_url("**step=0**")
    expect(life).to_have_attribute("data-step", "0")
    tab.still()
    tab.page.go_back()
    expect(life).to_have_attribute("data-step", "1")
    tab.still()
    expect(tab.page.get_by_role("button", name="Cancel")).to_have_count(0)


def cancel_trying_out(tab):
    tab.page.get_by_role("textbox", name="Text", exact=True).fill(f"{SHORT} mat. " * 15)
    tab.page.keyboard.press("Control+Enter")
    tab.page.wait_for_url("**mat.**")
    tab.page.get_by_role("radio", name=EXPERIMENTS["blank"], exact=True).click()
    tab.page.wait_for_url("**do=blank**")
    expect(tab.page.locator('[data-kvviz="question"]')).to_have_count(1)
    tab.still()
    tab.press_as_soon_as_it_is_there("Cancel")
    tab.page.get_by_role("button", name="Just show me").click()
    stopped = tab.page.get_by_text("Cancelled: nothing was kept of it.")
    expect(stopped).to_be_visible()
    expect(tab.page.get_by_role("alert")).to_have_count(0)
    tab.page.get_by_role("button", name="Do it again").click()
    expect(tab.page.locator('[data-kvviz="verdict"]')).to_be_visible()
    expect(stopped).to_have_count(0)


def test_a_text_too_long_is_refused_and_what_takes_long_is_cancelled_and_done_after_all(visit):
    tab = opened(visit(works=True), do="write", new="64")
    box = tab.page.get_by_role("textbox", name="Text", exact=True)
    box.fill("word " * 5_000)
    tab.page.keyboard.press("Control+Enter")
    alert = tab.page.get_by_role("alert")
    expect(alert).to_contain_text("may have 4,000 characters. It has 25,000. Shorten")
    assert len(box.input_value()) == 25_000
    box.fill(SHORT)
    tab.page.keyboard.press("Control+Enter")
    expect(alert).to_have_count(0)
    expect(tab.page.locator('[data-kvviz="question"]')).to_be_visible()
    cancel_writing(tab)
    cancel_trying_out(tab)
