"""Llama mini on the main page: what is drawn of its shared heads is what the trace says."""

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from kvviz.engine import load_model, trace_generation

pytestmark = pytest.mark.browser

MODEL = "kvviz/llama-mini"
PROMPT = "Once upon a time there was a little girl"
N_NEW = 5


def test_a_person_chooses_llama_mini_and_steps_through_its_shared_heads(visit):
    trace = trace_generation(load_model(MODEL, device="cpu"), PROMPT, max_new_tokens=N_NEW)
    tab = visit(works=True, height=1400)
    tab.open("/kv_cache", model=MODEL, prompt=PROMPT, new=str(N_NEW), cache="on", step="0")
    chosen = tab.page.get_by_role("combobox", name="Model")
    expect(chosen).to_have_value("Llama mini · 6 layers × 8 heads")
    tab.wait(step=0, nSteps=N_NEW)
    expect(tab.page.locator(".kv-chip").first).to_contain_text("<|endoftext|>")
    sentence = tab.page.locator(".kv-sentence")
    sentence.click()
    for step, seen in enumerate(trace.steps):
        found = tab.wait(step=step)
        assert (found["nFed"], found["nComputed"]) == (len(seen.fed), len(seen.computed))
        assert found["nReused"] == len(seen.reused)
        tab.page.keyboard.press("ArrowRight")
    for head in (1, 6):
        tab.page.get_by_role("combobox", name="head", exact=True).select_option(str(head))
        tab.wait(head=head, kvHead=head // 4)
        first = 4 * (head // 4)
        expect(sentence).to_contain_text(
            f"query heads {first}–{first + 3} read KV head {head // 4}"
        )
    saved = tab.page.locator(".kv-saved")
    plain = 4 * trace.steps[-1].cache_bytes
    expect(saved).to_have_attribute("data-plain-bytes", str(plain))
    expect(saved).to_contain_text("4.0× as much")
    # What a key was made of: the product, then the turn to the row where it stands.
    layer = tab.hooks()["layer"]
    tab.page.get_by_role("button", name="How this row is made").first.click()
    making = tab.page.locator('[data-kvviz="row-making"]')
    making.get_by_role("button", name="How this key came about").click()
    origin = tab.page.locator('[data-kvviz="row-origin"]')
    expect(origin).to_have_attribute("data-sum", re.compile("."))
    key = trace.keys(layer)[1, int(making.get_attribute("data-key"))]
    number, made, within = (
        float(origin.get_attribute(f"data-{name}")) for name in ("number", "sum", "within")
    )
    assert number == np.abs(key).argmax()
    assert abs(made - key[int(number)]) <= within + 1e-6
    expect(origin).to_contain_text("since it stands in row")
