"""On every page the keyboard goes on where a question was answered, not at the page's beginning.

Those of the other pages are answered by keyboard where these pages are open anyway: look for
`answer_by_keyboard`.
"""

import pytest

pytestmark = pytest.mark.browser

TEXT = "The cat sat on the mat."
PAGES = {
    "look-ahead": f"/bert_vs_gpt2?text={TEXT}",
    "blank": f"/bert_vs_gpt2?do=blank&text={TEXT}",
    "cache-speed-up": "/speed_and_memory?prompt_tokens=6&new=3&repeats=1",
}


@pytest.mark.parametrize("question", PAGES)
def test_the_focus_stays_where_a_question_was_answered(visit, question):
    tab = visit()
    tab.page.goto(f"{tab.address}{PAGES[question]}")
    tab.answer_by_keyboard(question)
