"""Whatever a person does, and however fast: once all is settled, the address names the view."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def test_a_message_right_after_a_step_back_does_not_take_its_place(visit):
    tab = visit().open("/kv_cache", prompt="The cat", new="3")
    tab.wait(nFed=2)
    tab.run_prompt("The dog and the bird")
    tab.page.wait_for_url("**bird**")
    tab.wait(nFed=5)
    tab.still()
    prompt = tab.page.get_by_role("textbox", name="Prompt")
    prompt.fill("A thought of my own")
    # Two messages in one moment: Streamlit runs the script for the later one alone.
    tab.page.evaluate("""() => {
      const more = document.querySelector('.st-key-kv-new [data-testid="stNumberInputStepUp"]');
      const before = location.href;
      const watch = setInterval(() => {
        if (location.href === before) return;
        clearInterval(watch);
        more.click();
      });
      history.back();
    }""")
    tab.wait(nFed=2)
    expect(prompt).to_have_value("A thought of my own")
    expect(tab.page.get_by_role("spinbutton", name="New tokens")).to_have_value("4")
    tab.page.wait_for_url("**prompt=The+cat&new=3")
