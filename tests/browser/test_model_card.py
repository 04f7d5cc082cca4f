"""The card of the model, opened from the sidebar by a click and closed by the keyboard."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def test_the_card_opens_and_closes_and_the_run_stays(visit):
    tab = visit().open("/kv_cache", prompt="The little fox", new="3", step="2")
    tab.wait(step=2)
    tab.still()
    tab.page.get_by_role("button", name="about this model").click()
    card = tab.page.get_by_role("dialog")
    expect(card.get_by_role("heading", name="Held-out figures")).to_be_attached()
    expect(card).to_contain_text("Project Gutenberg")
    tab.page.keyboard.press("Escape")
    expect(card).to_be_hidden()
    tab.wait(step=2)
    # With the card away the keyboard is the page's again.
    tab.answer_by_keyboard("edited-token")
    assert tab.complaints == []
