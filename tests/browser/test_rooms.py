"""A room: a teacher at a projector and a student with a telephone, each in an own window."""

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.axe import JUDGE, TAGS
from tests.browser.visit import PLAYER, Visit

BAR = '[data-kvviz="room-bar"]'
ANSWERS = ".st-key-kvviz-answers-edited-token"
VOTE, COUNTS, VERDICT = (f'[data-kvviz="{name}"]' for name in ("vote", "vote-counts", "verdict"))

OWN_PARTS = f'{BAR}, [data-kvviz="presenter"], [class*="st-key-kvviz-ask-"]'

pytestmark = pytest.mark.browser

SMALLEST = """() => Math.min(...[...document.querySelectorAll("[data-kvviz-idea] *")]
  .filter((node) => node.checkVisibility({ visibilityProperty: true }) && node.offsetHeight > 2)
  .filter((node) => [...node.childNodes].some((one) => one.nodeType === 3 && one.data.trim()))
  .map((node) => parseFloat(getComputedStyle(node).fontSize) * node.currentCSSZoom))"""
"""The size of the smallest letters that are to be read, in pixels of the screen."""


def state(tab: Visit, kind: str) -> None:
    expect(tab.page.locator(BAR)).to_have_attribute("data-state", kind)


def press(tab: Visit, name: str) -> None:
    tab.page.get_by_role("button", name=name, exact=True).click()


def told(tab: Visit, hook: str, **facts: str) -> Locator:
    found = tab.page.locator(hook)
    for name, value in facts.items():
        expect(found).to_have_attribute(f"data-{name}", value)
    return found


SENT = """() => {
  const { fetch } = window;
  window.kvvizSent = new Promise((sent) => {
    window.fetch = (url, asked) => {
      if (asked?.method === "POST") sent(Date.now());
      return fetch(url, asked);
    };
  });
}"""
"""Notes when the teacher's page sends what it shows."""

FOLLOWED = """() => {
  const player = document.querySelector('[data-kvviz="player"]');
  const from = player.dataset.step;
  window.kvvizFollowed = new Promise((followed) => {
    new MutationObserver((_, watch) => {
      if (player.dataset.step === from) return;
      watch.disconnect();
      followed(Date.now());
    }).observe(player, { attributes: true, attributeFilter: ["data-step"] });
  });
}"""
"""Notes when the student's page shows another step; both clocks are the machine's."""

FOLLOWS_WITHIN_MS = 1000
"""A page asks every half second, a fifth more or less (`room_client.js`): so 600 is the longest
that a message lies there, and the rest is left for the answer and the drawing."""


def follows_within_a_second(teacher: Visit, student: Visit) -> None:
    """Twice out of three times at least: other work on the machine may delay one."""
    took = []
    for step, key in ((1, "ArrowRight"), (0, "ArrowLeft"), (1, "ArrowRight")):
        teacher.page.evaluate(SENT)
        student.page.evaluate(FOLLOWED)
        teacher.page.keyboard.press(key)
        student.wait(step=step)
        sent = teacher.page.evaluate("() => window.kvvizSent")
        took.append(student.page.evaluate("() => window.kvvizFollowed") - sent)
    assert sorted(took)[1] < FOLLOWS_WITHIN_MS, took


@pytest.fixture
def lesson(visit) -> tuple[Visit, Visit]:
    """The tabs of a teacher who has opened a room, and of a student who has come in."""
    teacher = visit(width=1920, height=1080)
    teacher.open("/kv_cache", new="3")
    press(teacher, "Open a room")
    expect(teacher.page.locator('[data-kvviz="invitation"] img')).to_be_visible()
    code = teacher.page.locator('[data-kvviz="room-code"]').inner_text()
    teacher.page.keyboard.press("Escape")
    state(teacher, "leads")

    # The student's link says something else besides, and leads to where the teacher is.
    student = visit(width=390, height=844, touch=True)
    student.open("/", room=code, step="3")
    state(student, "follows")
    expect(student.page).to_have_url(f"{student.address}/kv_cache?new=3&room={code}")
    student.wait(nSteps=3, step=0)
    return teacher, student


def test_a_class_is_led_let_go_stopped_and_gathered_and_led_again_from_another_tab(lesson, visit):
    teacher, student = lesson
    expect(student.page.locator(f"{BAR} .kvviz-bar-said")).to_contain_text("is left aside")
    expect(teacher.page.locator(f"{BAR} .kvviz-bar-said")).to_contain_text("1 here")

    # A step is followed, and no script runs for it until all is quiet.
    follows_within_a_second(teacher, student)
    teacher.page.keyboard.press("]")
    student.wait(step=1, head=teacher.hooks()["head"])

    # Who lets go stays, and is led on again who comes back.
    press(student, "Look around")
    teacher.page.keyboard.press("ArrowRight")
    teacher.wait(step=2)
    state(student, "away")
    assert student.hooks()["step"] == 1
    press(student, "Come back to the class")
    student.wait(step=2)

    # What was typed when the page is stopped is there afterwards; no key is heard meanwhile.
    student.page.get_by_test_id("stExpandSidebarButton").click()
    prompt = student.page.get_by_role("textbox", name="Prompt")
    prompt.fill("A cat that nobody sees")
    press(teacher, "Stop all pages")
    state(student, "stopped")
    student.page.keyboard.press("ArrowLeft")
    student.page.keyboard.type("xyz")
    press(teacher, "Let them go on")
    state(student, "follows")
    expect(prompt).to_have_value("A cat that nobody sees")
    student.wait(step=2)
    student.page.get_by_test_id("stSidebarCollapseButton").get_by_role("button").click()
    assert "nobody sees" not in teacher.page.locator("body").inner_text()

    # All are let go, and gathered on another page.
    press(teacher, "Let all look around")
    state(student, "free")
    teacher.page.get_by_role("link", name="How large models are").click()
    expect(teacher.page.locator("h1")).to_contain_text("How large models are")
    expect(student.page.locator("h1")).to_contain_text("KV cache")
    press(teacher, "Gather all")
    expect(student.page.locator("h1")).to_contain_text("How large models are")
    teacher.page.get_by_role("link", name="KV cache, step by step").click()
    student.wait(nSteps=3)
    expect(student.page.get_by_label("Prompt", exact=True)).to_have_value("A cat that nobody sees")
    lead_again(teacher, student, visit)


def lead_again(teacher, student, visit):
    """The teacher's tab is closed, and another one opened."""
    teacher.page.close()
    # The browser has kept the key, and asks first.
    teacher = visit(width=1920, height=1080)
    teacher.open()
    state(teacher, "offer")
    press(teacher, "Lead it again")
    state(teacher, "leads")
    # The student is led where the teacher is now.
    expect(student.page.locator("h1")).to_contain_text("Watch a KV cache work")
    # A page loaded anew leads on by itself.
    teacher.page.reload()
    teacher.page.wait_for_selector(f"{PLAYER}[data-step]")
    state(teacher, "leads")
    teacher.page.get_by_role("button", name="More").click()
    press(teacher, "End the room")
    state(student, "none")
    expect(student.page.locator("h1")).to_contain_text("Watch a KV cache work")


def test_both_votes_and_what_happened_are_shown_to_a_class(lesson, axe):
    """In the presenter view."""
    teacher, student = lesson
    teacher.page.keyboard.press("ArrowRight")
    student.wait(step=1)
    press(teacher, "Presenter view")
    expect(teacher.page.locator('[data-kvviz="presenter"]')).to_be_visible()
    stage = teacher.page.locator(".kv-stage")
    expect(stage).to_have_attribute("data-kvviz-idea", "now")
    expect(teacher.page.get_by_test_id("stSidebar")).to_be_hidden()
    sentence = teacher.page.locator(".kv-sentence-row").bounding_box()
    assert sentence is not None
    assert sentence["height"] >= 1080 / 8 - 1
    assert 0 <= sentence["y"] < 1080 - sentence["height"]
    assert teacher.page.evaluate(SMALLEST) >= 20
    # What opens the making of a row is in sight, above the bars at the foot.
    opens = teacher.page.locator(".kv-making-open:visible").bounding_box()
    for bar in (BAR, '[data-kvviz="presenter"]'):
        assert opens["y"] + opens["height"] <= teacher.page.locator(bar).bounding_box()["y"], bar
    before = teacher.hooks()["step"]
    teacher.page.keyboard.press("PageUp")
    student.wait(step=before - 1)
    # The page around the player is drawn anew where the view has come to rest.
    teacher.still()
    teacher.page.locator(ANSWERS).first.wait_for(state="attached")
    for _ in range(12):
        teacher.page.keyboard.press("PageDown")
        if teacher.page.locator("[data-kvviz-idea] " + ANSWERS).count():
            break
    press(teacher, "Ask the room")
    told(student, VOTE, round="1", own="0")
    expect(student.page.locator(ANSWERS)).to_be_in_viewport()
    expect(teacher.page.locator(ANSWERS)).to_have_count(0)
    student.page.locator(ANSWERS).get_by_role("button").nth(1).click()
    told(student, VOTE, own="1")
    expect(teacher.page.locator('[data-kvviz-room="answered"]')).to_have_text("1")
    expect(student.page.locator(COUNTS)).to_have_count(0)
    # A page loaded anew is still the one that has voted.
    student.page.reload()
    told(student, VOTE, own="1")
    expect(teacher.page.locator('[data-kvviz-room="present"]').last).to_have_text("1")
    press(teacher, "Show the counts")
    told(student, COUNTS, counts="0,1,0,0")
    expect(student.page.locator(VERDICT)).to_have_count(0)
    assert teacher.page.evaluate(SMALLEST) >= 20
    press(teacher, "Vote once more")
    told(student, VOTE, round="2", own="0")
    student.page.locator(ANSWERS).get_by_role("button").nth(2).click()
    told(student, VOTE, own="1")
    press(teacher, "Reveal what happens")
    for tab in (student, teacher):
        told(tab, COUNTS, counts="0,1,0,0 0,0,1,0")
        expect(tab.page.locator(VERDICT)).to_be_visible()
    expect(student.page.locator(".kvviz-vote-right em")).to_have_text("4")
    told(student, VERDICT, right="1")
    for tab in (student, teacher):
        tab.page.evaluate(axe)
        assert tab.page.evaluate(JUDGE, [TAGS, False, OWN_PARTS]) == []
