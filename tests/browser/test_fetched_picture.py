"""The player's buffer comes by an address of its own, and where it does not that is said."""

import pytest
from playwright.sync_api import expect

from tests.browser.visit import BUFFERS, PLAYER

pytestmark = pytest.mark.browser


def test_a_picture_that_is_late_or_lost_is_said_to_be_and_comes_when_it_can(visit):
    tab = visit(works=True)
    # The server does not answer at first, and when it does it keeps the run no more.
    held = tab.hold(BUFFERS, "wait", "empty", "go")
    tab.page.goto(f"{tab.address}/kv_cache?prompt=The+cat&new=4")
    expect(tab.page.get_by_text("The picture is on its way…")).to_be_visible()
    expect(tab.page.locator(PLAYER)).to_have_count(0)
    held.fail()
    tab.wait(nSteps=4)
    expect(tab.page.get_by_text("The picture")).to_have_count(0)
    assert len(held.urls) == 3
    assert len(set(held.urls)) == 1, "the same run has the same address"
    failed = [one for one in tab.complaints if "_kvviz/bytes" in one or "Failed to load" in one]
    assert failed == tab.complaints
    tab.complaints.clear()

    # It is not fetched again while it is looked at, nor by who comes back to the page.
    tab.page.get_by_role("button", name="One step on").click()
    tab.wait(step=1)
    tab.page.wait_for_url("**step=1**")
    tab.page.get_by_role("link", name="Start here").click()
    tab.page.wait_for_url(f"{tab.address}/")
    tab.page.go_back()
    tab.wait(nSteps=4, step=1)
    assert held.urls.count(held.urls[0]) == 3
