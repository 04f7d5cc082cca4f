"""On every page the keyboard goes on where a question was answered, not at the page's beginning."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

TEXT = "The cat sat on the mat."
PAGES = {
    "edited-token": "/kv_cache?new=2",
    "look-ahead": f"/bert_vs_gpt2?text={TEXT}",
    "blank": f"/bert_vs_gpt2?do=blank&text={TEXT}",
    "learnt-first": f"/language_modelling?text={TEXT}",
    "cross-rows": "/encoder_decoder?new=3",
    "cache-speed-up": "/speed_and_memory?prompt_tokens=6&new=3&repeats=1",
    "cache-of-405b": "/model_sizes",
}
"""A question to each page, to one of them two: with one choice, and with one for each model."""


@pytest.mark.parametrize("question", PAGES)
def test_the_focus_stays_where_a_question_was_answered(visit, question):
    tab = visit()
    tab.page.goto(f"{tab.address}{PAGES[question]}")
    answers = tab.page.locator(f".st-key-kvviz-answers-{question}")
    expect(answers).to_be_visible()
    tab.still()
    rows = answers.get_by_role("radiogroup")
    if rows.count():
        for number in range(rows.count()):
            rows.nth(number).get_by_role("radio").first.focus()
            tab.page.keyboard.press("Enter")
    else:
        answers.get_by_role("button").first.focus()
        tab.page.keyboard.press("Enter")
    expect(answers).to_have_count(0)
    spot = tab.page.locator(f".st-key-kvviz-answered-{question} .kvviz-answered")
    expect(spot).to_be_focused()
    tab.still()
    # Also when what follows the answer is through, such as a race.
    expect(spot).to_be_focused()
    if question == "cross-rows":
        tab.page.keyboard.press("ArrowRight")
        expect(tab.page.locator('[data-kvviz="told"]')).to_be_visible()
        expect(spot).to_be_focused()
