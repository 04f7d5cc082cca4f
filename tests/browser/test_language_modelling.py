"""Learning from plain text in a real browser: predict, read a token, scrub the film, run free."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.random_walk import settled

pytestmark = pytest.mark.browser

NEXT = '.st-key-kvviz-card-lm-next [data-kvviz="token-columns"]'
MASKED = '.st-key-kvviz-card-lm-masked [data-kvviz="token-columns"]'
FILM = '[data-kvviz="training-film"]'
TEXT = "Once upon a time there was a dog. The dog saw the moon and ate a piano."
OTHER = "One day a girl saw a big red ball in the garden. The ball was on a tree."


@pytest.fixture
def lesson(visit):
    """Open the page and wait until the text has been read."""

    def opened(query="", **window):
        tab = visit(**window)
        tab.page.goto(f"{tab.address}/language_modelling{query}")
        tab.page.wait_for_selector(f"{NEXT}[data-n-tokens]")
        tab.page.wait_for_selector('[data-kvviz="departure"]')
        tab.still()
        return tab

    return opened


def read_another_text(tab):
    before = tab.page.locator(NEXT).get_attribute("data-n-tokens")
    tab.page.get_by_role("textbox", name="Your text").fill(OTHER)
    tab.page.get_by_role("button", name="Read it").click()
    expect(tab.page.locator(NEXT)).not_to_have_attribute("data-n-tokens", before)
    tab.page.wait_for_url("**text=One*tree.*")
    masked = tab.page.locator(MASKED)
    masked.wait_for()
    part = tab.page.locator(".st-key-kvviz-card-lm-masked")
    part.get_by_role("button", name="Just show me").click()
    expect(masked).to_have_attribute("data-revealed", "true")
    n_hidden = int(masked.get_attribute("data-n-signals"))
    assert masked.locator(".is-hidden").count() == n_hidden
    assert n_hidden < int(masked.get_attribute("data-n-tokens")) / 4
    part.get_by_role("button", name="Hide other tokens").click()
    tab.page.wait_for_url("**seed=1**")
    free = tab.page.locator('[data-kvviz="departure"]')
    expect(free).to_have_attribute("data-departs-at", "")
    tab.page.locator(".st-key-kvviz-card-lm-forcing").get_by_role(
        "button", name="Just show me"
    ).click()
    expect(free).to_have_attribute("data-departs-at", re.compile(r"\d+"))
    departs, n_places = (int(free.get_attribute(f"data-{n}")) for n in ("departs-at", "n-places"))
    right = free.locator(".kvviz-place:not(.kvviz-place-names) span:nth-child(3).kvviz-right")
    assert right.count() >= departs
    assert free.locator(".kvviz-gone").count() == n_places - departs


def read_a_long_text(tab):
    """Its strip shows that it goes on."""
    tab.page.get_by_role("textbox", name="Your text").fill(" ".join([TEXT] * 8))
    tab.page.get_by_role("button", name="Read it").click()
    tab.page.wait_for_url("**text=Once*piano.*Once*")
    # No word of it occurs once, so there is none to ask for.
    strip = tab.page.locator(NEXT)
    expect(strip).to_have_attribute("data-revealed", "true")
    expect(strip.locator(".lm-scale")).to_contain_text("12 bits or more")
    strip.get_by_role("button", name="In and label").click()
    expect(strip).to_have_attribute("data-more", "true")
    strip.locator(".lm-strip").evaluate("node => node.scrollTo(0, node.scrollHeight)")
    expect(strip).to_have_attribute("data-more", "false")


def test_a_text_is_predicted_and_read_and_the_next_hidden_from_bert_and_left_by_the_free_run(
    lesson,
):
    tab = lesson(f"?text={TEXT.replace(' ', '+')}", slow=True)
    strip = tab.page.locator(NEXT)
    expect(strip).to_have_attribute("data-revealed", "false")
    n_tokens = int(strip.get_attribute("data-n-tokens"))
    assert int(strip.get_attribute("data-n-signals")) == n_tokens - 1
    tab.page.get_by_role("button", name="piano.", exact=True).click()
    expect(strip).to_have_attribute("data-revealed", "true")
    told = tab.page.locator('[data-kvviz="most-surprising"]')
    expect(told).to_contain_text(re.compile(r"(Right|You said piano\.)\. “.+” cost \d+\.\d bits"))
    strip.locator('[data-place="2"]').hover()
    expect(strip).to_have_attribute("data-selected", "2")
    expect(strip.locator(".lm-panel")).to_contain_text("GPT-2 mini expected")
    expect(strip.locator(".lm-guesses .is-real")).to_contain_text("␣time")
    bits = float(strip.get_attribute("data-bits"))
    shown = float(strip.locator(".lm-sum b").inner_text().split()[0])
    # Two places are shown.
    assert abs(bits - shown) <= 0.0051
    strip.locator('[data-place="2"]').click()
    tab.page.keyboard.press("ArrowRight")
    expect(strip).to_have_attribute("data-selected", "3")
    tab.page.keyboard.press("End")
    expect(strip.locator(".lm-panel")).to_contain_text("Nothing follows")
    tab.page.get_by_role("button", name="Running text").first.click()
    expect(strip).to_have_attribute("data-layout", "text")
    read_another_text(tab)
    read_a_long_text(tab)


def read_what_ships(tab):
    """The first visit was recorded; a press reads the same text here, and nothing moves."""
    tags = [
        tab.page.locator(f".st-key-kvviz-card-lm-{part} .kvviz-tag").first
        for part in ("next", "masked", "forcing")
    ]
    for tag in tags:
        expect(tag).to_have_text("recorded")
    first = tab.page.locator(f'{NEXT} [data-place="0"]')
    before = first.bounding_box()
    tab.page.get_by_role("button", name="Read it").click()
    for tag in tags:
        expect(tag).to_have_text("measured here")
    tab.still()
    assert first.bounding_box() == before


def go_through_the_history(tab):
    """It leads to the texts that were read, and keeps what was not."""
    strip, box = tab.page.locator(NEXT), tab.page.get_by_role("textbox", name="Your text")
    first = strip.get_attribute("data-n-tokens")
    box.fill(TEXT)
    tab.page.get_by_role("button", name="Read it").click()
    tab.page.wait_for_url("**text=Once*piano.*")
    expect(strip).not_to_have_attribute("data-n-tokens", first)
    second = strip.get_attribute("data-n-tokens")
    tab.still()
    tab.page.go_back()
    expect(strip).to_have_attribute("data-n-tokens", first)
    expect(box).not_to_have_value(TEXT)
    tab.still()
    tab.page.go_forward()
    expect(strip).to_have_attribute("data-n-tokens", second)
    expect(box).to_have_value(TEXT)
    tab.still()
    # To another page and back, by links and by the browser's steps.
    for name in ("How large models are", "Learning from plain text"):
        tab.page.get_by_role("link", name=name).first.click()
        expect(tab.page.get_by_role("heading", level=1)).to_have_text(name)
        tab.still()
    expect(box).to_have_value(TEXT)
    tab.page.wait_for_url("**/language_modelling?text=Once*piano.*")
    tab.page.go_back()
    expect(tab.page.get_by_role("heading", level=1)).to_have_text("How large models are")
    tab.still()
    tab.page.go_back()
    expect(strip).to_have_attribute("data-n-tokens", second)
    tab.still()
    expect(box).to_have_value(TEXT)
    expect(strip).to_have_attribute("data-n-tokens", second)
    # What was typed and not read stays.
    box.fill("Half a thought")
    box.blur()
    tab.still()
    tab.page.go_back()
    expect(strip).to_have_attribute("data-n-tokens", first)
    tab.still()
    expect(box).to_have_value("Half a thought")


def test_the_film_is_scrubbed_and_the_history_leads_to_the_texts_that_were_read(lesson):
    """The film without the server; the address follows. What was not read is kept."""
    # As over a slow line: what stood where the recorded was must not stand there twice.
    tab = lesson(slow=True)
    read_what_ships(tab)
    expect(tab.page.locator(NEXT)).to_have_attribute("data-more", "false")
    film = tab.page.locator(FILM)
    expect(film).to_have_attribute("data-point", "0")
    sentence = film.locator(".lm-sentence")
    worse = "a model that has learnt nothing guesses worse than a fair draw from all."
    expect(sentence).to_contain_text(f"There are only 4,096: {worse}")
    slider = film.get_by_role("slider")
    slider.hover()  # which waits until it is still
    box = slider.bounding_box()
    middle = box["y"] + box["height"] / 2
    mouse = tab.page.mouse
    # A bar of progress asks the server too.
    settled(tab.page)
    n_before, seen = tab.n_sent, set()
    mouse.move(box["x"] + 12, middle)
    mouse.down()
    for part in range(5, 101, 5):
        mouse.move(box["x"] + (box["width"] - 4) * part / 100, middle)
        seen.add(film.get_attribute("data-tokens"))
        if part == 50:
            tab.page.wait_for_timeout(600)  # a hand that stops to think still holds it
    assert len(seen) > 8
    assert tab.n_sent == n_before
    mouse.up()
    last = int(film.get_attribute("data-n-points")) - 1
    expect(film).to_have_attribute("data-point", str(last))
    tab.page.wait_for_url(f"**point={last}**")
    expect(sentence).not_to_contain_text("worse than a fair draw")
    said = film.get_attribute("data-said").split("|")
    shown = film.locator(".lm-card .lm-model:nth-of-type(1) li:first-child .lm-guess")
    assert [text.strip() for text in shown.all_inner_texts()] == said
    learnt = float(film.get_attribute("data-bits"))
    slider.press("Home")
    expect(film).to_have_attribute("data-point", "0")
    assert learnt < float(film.get_attribute("data-bits"))
    expect(sentence).to_contain_text("Before the first token")
    tab.page.wait_for_url(lambda address: "point" not in address)
    film.get_by_role("button", name="Play").click()
    expect(film).not_to_have_attribute("data-point", "0")
    film.get_by_role("button", name="Pause").click()
    # Said later, it would be an entry of the history after that of the text that is read next.
    tab.page.wait_for_url("**point=**")
    tab.answer_by_keyboard("learnt-first")
    go_through_the_history(tab)


HEIGHTS = """async (section) => {
  const seen = new Set();
  for (let frame = 0; frame < 8; frame += 1) {
    seen.add(Math.round(section.getBoundingClientRect().height));
    await new Promise((done) => requestAnimationFrame(done));
  }
  return [...seen];
}"""


def answer_by_keyboard(tab, part):
    """Answer a question; the keyboard goes on in its card, not at the page's beginning."""
    card = tab.page.locator(f".st-key-kvviz-card-{part}")
    button = card.get_by_role("button", name="Just show me")
    button.focus()
    tab.page.keyboard.press("Enter")
    expect(button).to_have_count(0)
    expect(card.locator(".kvviz-answered")).to_be_focused()
    # What Tab leads to is drawn a moment after the button has gone.
    tab.still()
    tab.page.keyboard.press("Tab")
    inside = "node => node.contains(document.activeElement)"
    assert card.evaluate(inside) or part == "lm-forcing"


def leave_the_mouse_still(tab):
    """The panel that tells of a token lies over the tokens there, and grows by what it tells."""
    section = tab.page.locator(NEXT)
    section.evaluate("node => node.scrollIntoView({ block: 'center' })")
    top = section.locator(".lm-strip").bounding_box()["y"]
    assert top < 700, "a part of the tokens is in the window"
    for height in range(max(int(top), 0), 844, 30):
        tab.page.mouse.move(120, height)
        section.evaluate(HEIGHTS)  # what the move itself brought
        assert len(section.evaluate(HEIGHTS)) == 1, f"the page goes up and down, mouse at {height}"


def test_on_a_telephone_it_is_read_by_keyboard_and_finger_and_lies_still(lesson):
    tab = lesson("?ask=1", width=390, height=844)
    assert tab.overflow() <= 0
    answer_by_keyboard(tab, "lm-next")
    strip = tab.page.locator(NEXT)
    expect(strip).to_have_attribute("data-revealed", "true")
    leave_the_mouse_still(tab)
    strip.locator('[data-place="4"]').click()
    expect(strip.locator(".lm-panel")).to_be_in_viewport()
    expect(strip.locator(".lm-guesses")).to_be_visible()
    assert tab.overflow() <= 0
    for part in ("lm-masked", "lm-film", "lm-forcing"):
        answer_by_keyboard(tab, part)
    assert tab.overflow() <= 0


def test_what_helps_against_an_error_moves_nothing_that_was_there(visit):
    tab = visit(slow=True)
    tab.page.goto(f"{tab.address}/language_modelling?model=/nonexistent/dir")
    expect(tab.page.locator(FILM)).to_be_visible()
    tab.still()
    tab.page.get_by_role("button", name="Read it").click()
    helps = tab.page.get_by_role("button", name="Read it with GPT-2 mini")
    helps.click()
    tab.page.wait_for_selector(f"{NEXT}[data-n-tokens]")
    tab.page.wait_for_selector('[data-kvviz="departure"]')
    expect(helps).to_have_count(0)
    tab.still()
