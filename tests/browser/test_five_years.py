import math

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def test_a_visitor_types_a_text_predicts_and_sees_a_row_turned_to_another_place(visit):
    tab = visit(works=True)
    page = tab.page
    page.goto(f"{tab.address}/model_sizes")
    field = page.get_by_role("textbox", name="A text for both")
    field.fill("The little fox ran home. The little fox sat down.")
    field.press("Control+Enter")
    tab.answer_by_keyboard("five-years")
    told = page.locator('[data-kvviz="five-years"]')
    expect(told).to_contain_text("Llama mini keeps 3.07 kB a token and GPT-2 mini 12.3 kB")
    assert int(told.get_attribute("data-old-bytes")) == 4 * int(
        told.get_attribute("data-new-bytes")
    )
    page.get_by_role("button", name="only in Llama mini").click()
    expect(page.locator('[data-kvviz="moved-rows"]')).to_contain_text("Right.")
    rows = page.locator(".kvviz-pairs-row")
    expect(rows).to_have_count(2)

    def off(row):
        """Return how far each ring lies from the end of the thick arrow in its field, in pixels."""
        return row.evaluate(
            """row => [...row.querySelectorAll("i")].map(field => {
                const ring = field.querySelector(".kvviz-offered").style;
                const arrow = field.querySelector(".kvviz-is").style;
                const turn = parseFloat(arrow.transform.slice(7)) * Math.PI / 180;
                const length = parseFloat(arrow.width), middle = 31;
                return Math.hypot(parseFloat(ring.left) - middle - length * Math.cos(turn),
                                  parseFloat(ring.top) - middle - length * Math.sin(turn));
            })"""
        )

    gpt2, llama = off(rows.first), off(rows.last)
    assert max(llama) < 0.2  # places are written to a tenth of a pixel, angles to one of a degree
    assert max(gpt2) > 3
    assert all(math.isfinite(one) for one in gpt2)
    ring = page.locator(".kvviz-pairs-row .kvviz-offered").first
    assert ring.bounding_box()["width"] == pytest.approx(13, abs=0.5)
    tab.still()
