"""What goes wrong, goes wrong in words, and loses nothing."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


HOSTILE = "![x](http://evil.test/a.png) [Click](http://evil.test) www.evil.test a@evil.test $x^2$"


def test_nonsense_and_markup_in_a_link_are_one_friendly_line_and_text_everywhere(visit):
    """That every page escapes it is a test of the pages; that this is enough, one of a browser."""
    prompt = "옛 <script>window.struck=1</script><img src=x onerror=window.struck=1>"
    tab = visit().open("/kv_cache", prompt=prompt, new="-3", layer="x", step="<b>", cache=HOSTILE)
    tab.wait(step=0, nSteps=16, cache="on")
    line = tab.page.locator('[data-testid="stAlert"]')
    expect(line).to_have_count(1)
    expect(line).to_contain_text("Part of this link could not be used")
    expect(line).to_contain_text("step is '<b>'")
    expect(line).to_contain_text("evil.test/a.png")
    assert line.locator(":is(img, a, .katex)").count() == 0
    tab.still()
    assert tab.page.evaluate("() => window.struck") is None
    assert tab.page.locator("[data-testid=stMain] img").count() == 0
    assert tab.page.get_by_role("textbox", name="Prompt").input_value() == prompt
    # A character that is cut: its parts in the strip, their bytes on pointing, and in the table.
    for at, byte in enumerate(("‹EC›", "‹98›", "‹9B›")):
        chip = tab.player.locator(".kv-chip").nth(at)
        expect(chip).to_contain_text(f"옛·{at + 1}/3")
        expect(chip).to_have_attribute("title", byte)
    tab.player.locator(".kv-chip").first.press("t")
    expect(tab.player.get_by_role("cell", name="옛·3/3 ‹9B›")).to_be_visible()


def test_an_unknown_page_is_the_home_page_with_a_polite_line(visit):
    tab = visit().open("/no_such_page")
    expect(tab.page.locator('[data-testid="stAlert"]')).to_contain_text(
        "There is no page “no_such_page” here"
    )
    expect(tab.page.get_by_role("heading", name="Watch a KV cache work")).to_be_visible()


def test_a_long_run_shows_its_progress_and_can_be_cancelled(visit):
    tab = visit()
    tab.page.goto(f"{tab.address}/kv_cache?new=900&cache=both")
    expect(tab.page.get_by_text("of 1,800")).to_be_visible()
    # A tab that is closed says so; this one is not, and asks on.
    with tab.page.expect_request("**/left") as leaving:
        tab.page.evaluate("() => void dispatchEvent(new PageTransitionEvent('pagehide'))")
    assert leaving.value.method == "POST"
    tab.page.get_by_role("button", name="Cancel").click()
    tab.page.wait_for_selector('[data-kvviz="player"][data-step]')
    hooks = tab.hooks()
    assert 1 <= hooks["nSteps"] <= 900
    expect(tab.page.get_by_text("ancelled")).to_be_visible()


def put_a_control_in_the_way(tab):
    """What is wrong with it is said at the control, and moves nothing else."""
    number = tab.page.get_by_role("spinbutton", name="New tokens")
    problem = tab.page.locator(".kvviz-problem")
    for wrong in ("0", "9999"):
        number.fill(wrong)
        number.press("Enter")
        expect(problem).to_contain_text("New tokens: ")
        number.fill("3")
        number.press("Enter")
        expect(problem).to_have_count(0)
    tab.still()


def test_what_fails_on_the_page_of_a_run_says_so_and_the_run_before_stays(visit, tmp_path):
    tab = visit(slow=True).open("/kv_cache", new="3")
    tab.wait(nSteps=3)
    put_a_control_in_the_way(tab)

    foreign = tmp_path / "holiday.npz"
    foreign.write_bytes(b"not a run at all")
    alert = tab.page.locator('[data-testid="stAlert"]')
    tab.page.get_by_role("button", name="Open a saved run").click()
    tab.page.locator('input[type="file"]').set_input_files(foreign)
    expect(alert).to_be_visible()
    assert "Traceback" not in tab.page.locator("body").inner_text()
    tab.wait(nSteps=3)
    tab.page.keyboard.press("Escape")
    # At rest: a press of Run while the answer to the file was still being drawn went unheard once.
    tab.still()

    long = "word " * 5000
    tab.run_prompt(long)
    expect(alert.filter(has_text="Shorten the prompt to 1,021 tokens")).to_be_visible()
    box = tab.page.get_by_role("textbox", name="Prompt")
    assert box.input_value() == long
    tab.wait(nSteps=3)

    # Control and Enter run what was typed.
    box.fill("The cat and the dog and the bird")
    box.press("Control+Enter")
    tab.page.wait_for_url("**prompt=The*")
    tab.wait(step=0, nFed=8)

    # Nor does it move anything on the page of a T5.
    tab.page.get_by_role("link", name="T5's two caches").first.click()
    tab.player.and_(tab.page.locator("[data-n-cross-computed]")).wait_for()
    tab.still()
    put_a_control_in_the_way(tab)
