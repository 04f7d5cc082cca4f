"""Windows and shared KV heads on the main page: what is drawn is what the trace of the run says."""

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from kvviz.engine import load_model, trace_generation
from kvviz.player.document import html_document
from tests.browser.axe import JUDGE, TAGS
from tests.browser.visit import PLAYER
from tests.parity.tiny_decoders import FULL, SLIDING, TinyDecoder

pytestmark = pytest.mark.browser

PROMPT = "The cat sat on the mat, and the dog sat by"
N_NEW = 6
WINDOW = 5
READING = ".kv-panel[data-run=on] .kv-reading.is-reading"


def shape(n_heads, n_kv_heads, **more):
    heads = {"num_attention_heads": n_heads, "num_key_value_heads": n_kv_heads}
    return {**heads, "head_dim": 8, "max_position_embeddings": 128, **more}


GEMMA = TinyDecoder(
    "browser",
    "Gemma3",
    config=shape(
        4,
        2,
        sliding_window=WINDOW,
        layer_types=[SLIDING, FULL, SLIDING],
        query_pre_attn_scalar=8,
    ),
)
LLAMA = TinyDecoder("browser", config=shape(6, 2))


@pytest.fixture(scope="module")
def gemma(tmp_path_factory):
    return GEMMA.save(tmp_path_factory.mktemp("gemma"))


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    return LLAMA.save(tmp_path_factory.mktemp("llama"))


def run(tab, folder):
    """Run a model of a folder, which a person here asks for by pressing Run."""
    tab.page.goto(f"{tab.address}/kv_cache?model={folder}&prompt={PROMPT}&new={N_NEW}&cache=on")
    tab.page.get_by_role("button", name=re.compile("^Run")).click()
    tab.wait(step=0, nSteps=N_NEW)
    tab.still()
    tab.page.locator(".kv-sentence").click()


def pick(tab, name, number):
    tab.page.get_by_role("combobox", name=name, exact=True).select_option(str(number))


def test_a_person_steps_through_a_model_with_windows_and_sees_what_the_trace_says(
    visit, gemma, axe
):
    tab = visit(works=True, height=1400)
    run(tab, gemma)
    trace = trace_generation(load_model(gemma), PROMPT, max_new_tokens=N_NEW)
    n_prompt = trace.n_prompt
    for layer in range(3):
        pick(tab, "layer", layer)
        tab.page.locator(".kv-sentence").click()
        tab.page.keyboard.press("Home")
        for step in range(N_NEW):
            found = tab.wait(step=step, layer=layer)
            live = trace.live(step, layer)[0, : n_prompt + step]
            computed = trace.steps[step].computed
            assert found["nComputed"] == computed.size
            assert found["nReused"] == live.sum() - computed.size
            assert found["nEvicted"] == (~live).sum()
            tab.page.keyboard.press("ArrowRight")
        expect(tab.page.locator(".kv-swatch-evicted")).to_be_visible(visible=layer != 1)
    found = tab.hooks()
    gone = n_prompt + N_NEW - 1 - WINDOW
    assert (found["layer"], found["nEvicted"], found["nReused"]) == (2, gone, WINDOW - 1)
    sentence = tab.page.locator(".kv-sentence")
    expect(sentence).to_contain_text(f"{gone} rows evicted")
    expect(sentence).to_contain_text(f"in layer 2, a window of {WINDOW}")
    expect(sentence).to_contain_text("query heads 0–1 read KV head 0")
    history = tab.page.locator('[data-kvviz="history"][data-cache="on"]')
    expect(history).to_have_attribute("data-n-evicted", str(gone))
    # Chips, table and the reading of a row say it too.
    expect(tab.page.locator(".kv-chip.is-evicted")).to_have_count(gone)
    tab.page.locator(".kv-chip.is-evicted").nth(gone - 1).dispatch_event("pointerover")
    expect(tab.page.locator(READING)).to_contain_text(f"Row {gone - 1}, ")
    expect(tab.page.locator(READING)).to_contain_text("out of the window from step 5 on")
    tab.page.get_by_role("button", name="Table", exact=True).click()
    rows = tab.page.locator(".kv-table tbody tr.is-evicted")
    expect(rows).to_have_count(gone)
    expect(rows.first).to_contain_text("evicted: computed at step 0, out of the window from step 1")
    expect(rows.first.locator("td").last).to_have_text("–")
    # The bill: held as measured, and what the same model would hold without.
    last, card = trace.steps[-1], trace.model
    plain = 3 * trace.n_rows * 2 * card.n_heads * card.d_head * 4
    saved = tab.page.locator(".kv-saved")
    expect(saved).to_have_attribute("data-plain-bytes", str(plain))
    expect(saved).to_contain_text(f"{plain / last.cache_bytes:.1f}× as much")
    saved.get_by_role("button").click()
    expect(tab.page.get_by_role("dialog")).to_contain_text(f"cache takes {last.cache_bytes:,} B")
    tab.page.keyboard.press("Escape")
    tab.page.evaluate(axe)
    assert tab.page.evaluate(JUDGE, [TAGS, False, PLAYER]) == []


def test_the_making_of_a_row_is_made_of_what_was_there(visit, gemma):
    tab = visit(works=True, height=1400)
    run(tab, gemma)
    trace = trace_generation(load_model(gemma), PROMPT, max_new_tokens=N_NEW)
    tab.page.keyboard.press("End")
    tab.wait(step=N_NEW - 1, layer=0)
    tab.page.get_by_role("button", name="How this row is made").first.click()
    making = tab.page.locator('[data-kvviz="row-making"]')
    expect(making).to_be_visible()
    pattern = trace.pattern(0, 0)[trace.n_rows - 1]
    for _ in range(WINDOW + 2):
        tab.page.keyboard.press("ArrowLeft")
    # No further than the window: what lies before it was gone.
    first = int(np.flatnonzero(~np.isnan(pattern))[0])
    assert first == trace.n_rows - WINDOW
    expect(making).to_have_attribute("data-key", str(first))
    within = float(making.get_attribute("data-within"))
    weight = float(making.get_attribute("data-weight"))
    assert abs(weight - pattern[first]) <= 3 * within * weight + 1e-6
    # One level deeper: product, norm and turn end at the key that the trace has.
    making.get_by_role("button", name="How this key came about").click()
    origin = tab.page.locator('[data-kvviz="row-origin"]')
    expect(origin).to_have_attribute("data-sum", re.compile("."))
    told = {
        name: float(origin.get_attribute(f"data-{name}")) for name in ("number", "sum", "within")
    }
    key = trace.keys(0)[0, first]
    assert told["number"] == np.abs(key).argmax()
    assert abs(told["sum"] - key[int(told["number"])]) <= told["within"] + 1e-6
    expect(origin).to_contain_text("the root mean square of the product")
    expect(origin).to_contain_text(f"since it stands in row {first}: ")
    expect(making).to_contain_text(f"{first} earlier rows were no longer there when it asked.")
    expect(making).to_contain_text(f"and so on for all {WINDOW} rows, summed")
    # Another layer has more of them; where a row came from is refused in words.
    pick(tab, "layer", 1)
    tab.wait(layer=1)
    expect(making).to_contain_text(f"and so on for all {trace.n_rows} rows, summed")
    making.get_by_role("button", name="How this key came about").click()
    expect(making).to_contain_text("turn")
    # From afar back into the window: the nearest row that is there.
    tab.page.locator(".kv-making h3").click()
    making.focus()
    for _ in range(trace.n_rows):
        tab.page.keyboard.press("ArrowLeft")
    expect(making).to_have_attribute("data-key", "0")
    pick(tab, "layer", 2)
    expect(making).to_have_attribute("data-key", str(first))
    tab.page.wait_for_url(re.compile(rf"cell={trace.n_rows - 1}\.{first}"))


def test_query_heads_that_share_a_kv_head_stand_and_are_told_together(visit, llama):
    tab = visit(works=True)
    run(tab, llama)
    trace = trace_generation(load_model(llama), PROMPT, max_new_tokens=N_NEW)
    heads = tab.page.get_by_role("combobox", name="head", exact=True)
    groups = heads.locator("optgroup")
    assert groups.evaluate_all("found => found.map((one) => one.label)") == [
        "KV head 0",
        "KV head 1",
    ]
    expect(groups.nth(1).locator("option")).to_have_text(["3", "4", "5"])
    sentence = tab.page.locator(".kv-sentence")
    for head in (0, 2, 3, 5):
        pick(tab, "head", head)
        found = tab.wait(head=head, kvHead=head // 3)
        first = 3 * (head // 3)
        expect(sentence).to_contain_text(
            f"query heads {first}–{first + 2} read KV head {head // 3}"
        )
        assert (found["nEvicted"], found["nComputed"]) == (0, trace.n_prompt)
    expect(sentence).to_contain_text("in every layer and head")
    expect(tab.page.locator(".kv-swatch-evicted")).to_be_hidden()
    # Heads of one group share a picture of K and V, those of another do not.
    grid = ".kv-panel[data-run=on] .kv-part-kv canvas"
    pictures = {}
    for head in (0, 1, 4):
        pick(tab, "head", head)
        tab.wait(head=head)
        tab.painted()
        pictures[head] = tab.pixels(grid)
    assert (pictures[0] == pictures[1]).all()
    assert (pictures[0] != pictures[4]).mean() > 0.05
    head = tab.page.get_by_role("button", name="Layer 1, head 4 · reads KV head 1")
    head.click()
    tab.wait(layer=1, head=4, kvHead=1)
    expect(tab.page.locator(".kv-saved")).to_contain_text("With a KV head for each query head: ")
    expect(tab.page.locator(".kv-saved")).to_contain_text("3.0× as much")
    tab.page.set_viewport_size({"width": 390, "height": 844})
    expect(tab.player).to_have_attribute("data-mode", "narrow")
    assert tab.overflow() <= 0


def test_an_exported_file_and_its_pictures_show_what_was_evicted(browser, gemma, tmp_path):
    trace = trace_generation(load_model(gemma), PROMPT, max_new_tokens=N_NEW)
    file = tmp_path / "run.html"
    file.write_text(html_document(trace, layer=2, step=N_NEW - 1), encoding="utf-8")
    page = browser.new_page(color_scheme="dark")
    page.goto(file.as_uri())
    player, gone = page.locator(PLAYER), trace.n_rows - WINDOW
    expect(player).to_have_attribute("data-n-evicted", str(gone))
    expect(player).to_have_attribute("data-n-reused", str(WINDOW - 1))
    page.get_by_role("button", name="Save picture").click()
    with page.expect_download() as download:
        page.locator("[data-figure=view][data-format=svg]").click()
    picture = download.value.path().read_text(encoding="utf-8")
    for said in ("rows evicted", "crossed: evicted: not there any more", "With a KV head for each"):
        assert said in picture
    page.close()
