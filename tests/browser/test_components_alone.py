"""The twins' pictures and lives and the training film mounted as Streamlit mounts them, no app."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Route, expect

import kvviz
from kvviz.analysis import row_changes
from kvviz.player.lives import lives
from kvviz.ui.pages.bert_vs_gpt2.payload import MOST_BYTES, ChangedRows, Pair, pack
from kvviz.ui.pages.model_sizes.families.at_hand import Decoder
from kvviz.ui.pages.model_sizes.families.payload import pack as pack_families
from kvviz.ui.pages.model_sizes.families.reading import Life, Reading
from kvviz.ui.parts.written_lives import SeenPass, WriterLife
from kvviz.ui.parts.written_lives import pack as pack_lives
from tests.factories import make_card, make_encoding, make_trace

pytestmark = pytest.mark.browser

UI = Path(kvviz.__file__).parent / "ui" / "pages"
CARD = "../parts/figure_card.css"
ORIGIN = "http://component.test"
PAGE = """<!doctype html><title>a component</title><link rel="icon" href="data:,">
<style>body { margin: 0; padding: 20px; } STYLE</style><div id="root"></div>
<script type="module">
import component from "./bundle.js";
const answer = await fetch("./data");
const data = DATA;
window.told = [];
const tell = (name, value) => window.told.push([name, value]);
// A buffer is fetched at an address of its own.
const buffers = new Map();
window.fetch = async (url) => new Response(buffers.get(url.split("/").at(-1)));
const served = (fed) => {
  if (!(fed instanceof Uint8Array)) return fed;
  const known = [...buffers].find(([, one]) => one === fed)?.[0];
  const address = known ?? String(buffers.size);
  buffers.set(address, fed);
  return { addresses: [address], waiting: "", late: "" };
};
window.mount = (fed = data) => {
  window.leave = component({ data: served(fed), parentElement: root, setStateValue: tell });
};
window.nearly = () => { const fed = data.slice(); fed[fed.length - 1] ^= 1; return fed; };
window.mount();
</script>"""


@pytest.fixture
def mounted(visit):
    """Mount a component on a page of its own and return the tab."""

    def mount(bundle, styles, data, **window):
        tab = visit(address=ORIGIN, **window)
        is_bytes = isinstance(data, bytes)
        page = PAGE.replace("STYLE", "".join((UI / name).read_text() for name in styles)).replace(
            "DATA",
            "new Uint8Array(await answer.arrayBuffer())" if is_bytes else "await answer.json()",
        )
        served = {
            "/": ("text/html", page),
            "/bundle.js": ("text/javascript", (UI / bundle).read_text(encoding="utf-8")),
            "/data": ("application/octet-stream", data if is_bytes else json.dumps(data)),
        }

        def serve(route: Route) -> None:
            kind, body = served[route.request.url.removeprefix(ORIGIN)]
            route.fulfill(body=body, content_type=f"{kind}; charset=utf-8")

        tab.page.route("**/*", serve)
        tab.page.goto(f"{ORIGIN}/")
        return tab

    return mount


@pytest.fixture
def twins(mounted):
    """Two models of different depth and numbers of heads, and a row that changed in each."""
    left = make_encoding(token_ids=np.arange(1, 5), card=make_card(2, 3, 4))
    right = make_encoding(
        token_ids=np.array([9, 1, 2, 3, 4, 8]), seed=3, card=make_card(3, 2, 4, family="bert")
    )
    right = replace(right, text=left.text)
    sides = []
    for side in (left, right):
        keys = side.all_keys.copy()
        keys[1, 0, 2, 0] += np.float32(0.5)
        sides.append(row_changes(side, replace(side, all_keys=keys)))
    changes = (ChangedRows(*sides),)

    pair = Pair(left, right, ("One", "Other"), ("looks back", "looks around"), changes=changes)

    def open_twins(*, veiled=False, most_bytes=MOST_BYTES, **window):
        buffer = pack(pair, layer=1, head=1, veiled=veiled, most_bytes=most_bytes)
        return mounted(
            "bert_vs_gpt2/patterns.bundle.js", ["bert_vs_gpt2/patterns.css"], buffer, **window
        )

    open_twins.left, open_twins.pair = left, pair
    return open_twins


def written(*, cache):
    """A model that wrote three tokens after two, and what became of its rows."""
    passes = []
    for step in range(3):
        rows = np.arange(2 + step)
        new = rows if step == 0 or cache == "off" else rows[-1:]
        states = {"computed": new, "read": rows[: rows.size - new.size]}
        passes.append(SeenPass(tuple("abcd"[: rows.size]), states))
    return WriterLife(f"Cache {cache}", cache, 0, tuple(passes))


def test_the_lives_of_two_writers_are_gone_along_by_key_and_read_by_pointer(mounted):
    buffer = pack_lives([written(cache="on"), written(cache="off")])
    bundle = "../parts/written_lives/written_lives.bundle.js"
    tab = mounted(bundle, [CARD, "../parts/written_lives/written_lives.css"], buffer)
    on, off = (
        tab.page.locator(f'[data-kvviz="history"][data-cache="{one}"]') for one in ("on", "off")
    )
    for half, n in ((on, "4"), (off, "9")):
        expect(half).to_have_attribute("data-n-computed-total", n)
        expect(half).to_have_attribute("data-step", "2")
    canvas = off.get_by_role("slider", name="Cache off: the life of each row")
    canvas.press("ArrowLeft")
    expect(on).to_have_attribute("data-n-computed-total", "3")
    expect(off).to_have_attribute("data-n-computed-total", "5")
    assert canvas.get_attribute("aria-valuetext").startswith("Step 1 of 2: Cache on computes 1 row")
    canvas.press("ArrowRight")
    canvas.press("ArrowRight")
    expect(on).to_have_attribute("data-step", "2")
    canvas.press("Home")
    reading = tab.page.locator(".fc-reading")
    expect(reading).to_have_text(
        "Step 0 of 2: Cache on computes 2 rows; Cache off computes 2 rows."
    )
    # Labels take 84 pixels, a step 16 and a row 14, below 20 for the numbers of the steps.
    canvas.hover(position={"x": 84 + 16 * 1.5, "y": 20 + 14 * 0.5})
    expect(reading).to_contain_text("Cache off: Step 1 computed row 0, a · computed 2 times")
    tab.page.mouse.down()
    box = canvas.bounding_box()
    tab.page.mouse.move(box["x"] + 84 + 16 * 2.5, box["y"] + 20 + 14 * 0.5)
    tab.page.mouse.up()
    expect(off).to_have_attribute("data-step", "2")


def read_by(name, tokens, n_first, *, windows=()):
    """A model of three layers that read these tokens, and what became of its rows."""
    card = make_card(3, windows=windows, family="gemma3" if windows else "gpt2")
    run = make_trace(n_first, len(tokens) - n_first + 1, card=card)
    packed = dict(lives("on", run, len(run.steps)))
    spans, life_of = packed["on.lives"], packed["on.life_of"][:, 0]
    told = [
        Life(spans[spans[:, 0] == one][:, 1:], int((life_of == one).sum()), 2 * (one > 0), one)
        for one in range(life_of.max() + 1)
    ]
    ends = np.cumsum([len(token) for token in tokens]).tolist()
    n_bytes = tuple(step.cache_bytes for step in run.steps)
    decoder = Decoder(f"kvviz/{name}", name, 1, 3, 2, 2, 4)
    special = (False,) * len(tokens)
    return Reading(decoder, card, tokens, special, tuple(ends), n_first, n_bytes, told, 1e-6, True)


def test_families_move_in_step_by_key_and_by_pointer(mounted):
    text = "a bc def"
    one = read_by("one", ("a", " bc", " def"), 1)
    other = read_by("other", ("a", " b", "c", " d", "ef"), 1, windows=(2, 2, 0))
    folder = "model_sizes/families"
    styles = [CARD, f"{folder}/in_step.css"]
    tab = mounted(f"{folder}/in_step.bundle.js", styles, pack_families(text, (one, other)))
    root = tab.page.locator('[data-kvviz="families-in-step"]')
    panels = [root.locator(f'[data-model="kvviz/{name}"]') for name in ("one", "other")]

    def shows(stop, steps, read):
        expect(root).to_have_attribute("data-stop", str(stop))
        for panel, step in zip(panels, steps, strict=True):
            expect(panel).to_have_attribute("data-step", str(step))
        expect(root.locator(".kf-text-read")).to_have_text(read)

    shows(2, (2, 4), text)
    expect(root.locator('[data-kvviz="history"]')).to_have_count(3)
    slider = root.get_by_role("slider", name="Place in the text")
    slider.press("ArrowLeft")
    shows(1, (1, 2), "a bc")
    assert slider.get_attribute("aria-valuetext").startswith("50 % of the text, place 2 of 3: one")
    # A click into a life goes to the last place that is read by then.
    canvas = panels[1].locator("canvas").first
    width = canvas.evaluate("node => node.clientWidth")
    canvas.click(position={"x": width - 1, "y": 40})
    shows(2, (2, 4), text)
    expect(root.locator(".fc-reading")).to_contain_text("other: ")
    slider.press("Home")
    shows(0, (0, 0), "a")
    tab.page.wait_for_function("() => window.told.at(-1)?.[1].stop === 0")


def test_a_head_is_chosen_by_list_click_and_key_and_told(twins):
    tab = twins()
    root = tab.page.locator('[data-kvviz="twins"]')
    expect(root).to_have_attribute("data-layer", "1")
    root.get_by_label("layer").select_option("2")
    expect(root).to_have_attribute("data-layer", "2")
    # The first model has two layers: its nearest stands in.
    expect(root.locator(".kt-facts").first).to_contain_text("nearest it has: layer 1, head 1")
    heads = root.locator(".kt-heads").nth(1)
    heads.focus()
    heads.press("ArrowUp")
    heads.press("ArrowLeft")
    expect(root).to_have_attribute("data-head", "0")
    heads.press("ArrowLeft")
    expect(root).to_have_attribute("data-head", "0")
    root.locator(".kt-heads").first.click(position={"x": 60, "y": 5})
    expect(root).to_have_attribute("data-layer", "0")
    root.get_by_role("button", name="Mask").click()
    # It is told once the person rests, each time with another number.
    tab.page.wait_for_function("() => window.told.at(-1)?.[1].look === 'mask'")
    told = tab.page.evaluate("window.told")
    numbers = [view.pop("number") for _, view in told]
    assert numbers == sorted(set(numbers))
    looked = {"layer": 0, "head": 0, "look": "mask", "cell": None, "view_number": 0}
    assert told[-1] == ["view", looked]
    assert {name for name, _ in told} == {"view"}


def test_a_head_that_is_picked_while_another_buffer_is_on_its_way_is_not_lost(twins):
    tab = twins()
    root = tab.page.locator('[data-kvviz="twins"]')
    expect(root).to_have_attribute("data-layer", "1")
    tab.page.evaluate(
        """() => {
          const select = document.querySelector("select[aria-label=layer]");
          select.value = "2";
          select.dispatchEvent(new Event("change"));
          window.mount(window.nearly());
        }"""
    )
    tab.page.wait_for_function("() => window.told.length === 1")
    expect(root).to_have_attribute("data-layer", "2")
    assert tab.page.evaluate("window.told[0][1].layer") == 2
    # What the server sends after it was told is what it wants to be seen.
    tab.page.evaluate("() => { window.mount(); }")
    expect(root).to_have_attribute("data-layer", "1")


def test_what_is_pointed_at_is_read_in_both_and_a_click_keeps_it(twins):
    tab = twins()
    root = tab.page.locator('[data-kvviz="twins"]')
    canvas = root.locator(".kt-canvas canvas").first
    # Names take 78 pixels at the left and 68 above; a cell is 32 wide, and [CLS] has the first.
    cell = {"x": 78 + 32 * 1.5, "y": 68 + 32 * 2.5}
    canvas.hover(position=cell)
    reading = root.locator('[data-kvviz="attention-twins"] .kt-reading')
    expect(reading).to_contain_text("looks at")
    expect(reading).to_contain_text("One")
    expect(reading).to_contain_text("Other")
    expect(root).to_have_attribute("data-pointed", "2,1")
    assert root.locator(".kt-unit.kt-lit").count() == 2
    drawn = "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(v => v > 0)"
    assert root.locator(".kt-over").nth(1).evaluate(drawn)
    # The name of a row lights its token alone, and so does its row in a map; arrow keys go on.
    lit = root.locator(".kt-unit.kt-lit")
    canvas.hover(position={"x": 40, "y": 68 + 32 * 3.5})
    expect(root).to_have_attribute("data-lit", "3")
    root.locator('[data-kvviz="row-changes"] canvas').nth(1).hover(position={"x": 78 + 16, "y": 12})
    expect(root).to_have_attribute("data-lit", "0")
    root.locator(".kt-unit").first.focus()
    tab.page.keyboard.press("ArrowRight")
    expect(root).to_have_attribute("data-lit", "1")
    # A pointer that comes by and leaves, if only since the page moves, leaves it lit.
    canvas.hover(position={"x": 40, "y": 68 + 32 * 3.5})
    expect(root).to_have_attribute("data-lit", "3")
    tab.page.mouse.move(2, 2)
    expect(root).to_have_attribute("data-lit", "1")
    expect(lit).to_have_count(1)
    canvas.click(position=cell)
    tab.page.mouse.move(2, 2)
    expect(root).to_have_attribute("data-pinned", "")
    # It opens how the row is made; arrow keys go to its next key, and no further than the mask.
    making = root.locator('[data-kvviz="row-making"]')
    for key in ("0", "1", "1"):
        expect(making).to_have_attribute("data-key", key)
        tab.page.keyboard.press("ArrowRight")
    facts = making.evaluate("node => ({...node.dataset})")
    assert (facts["side"], facts["query"]) == ("left", "1")
    assert float(facts["weight"]) == pytest.approx(twins.left.pattern(1, 1)[1, 1], abs=1e-3)
    expect(root).to_have_attribute("data-pointed", "2,2")
    tab.page.keyboard.press("Escape")
    expect(making).to_be_hidden()
    assert root.get_attribute("data-pinned") is None
    canvas.click(position=cell)
    expect(root).to_have_attribute("data-pointed", "2,1")


def test_a_layer_that_was_not_sent_is_called_for_and_what_is_pointed_at_stays(twins):
    tab = twins(most_bytes=0)
    root = tab.page.locator('[data-kvviz="twins"]')
    canvas = root.locator(".kt-canvas canvas").first
    canvas.click(position={"x": 78 + 32 * 1.5, "y": 68 + 32 * 2.5})
    making = root.locator('[data-kvviz="row-making"]')
    expect(making).to_have_attribute("data-layer", "1")
    root.get_by_label("layer").select_option("0")
    reading = root.locator('[data-kvviz="attention-twins"] .kt-reading')
    expect(reading).to_have_text("fetching layer 0…")
    expect(making).to_be_hidden()
    tab.page.wait_for_function("() => window.told.length === 1")
    other = pack(twins.pair, layer=0, head=1, most_bytes=0)
    tab.page.evaluate("bytes => void window.mount(new Uint8Array(bytes))", list(other))
    expect(reading).to_contain_text("looks at")
    expect(root).to_have_attribute("data-pointed", "2,1")
    expect(making).to_have_attribute("data-layer", "0")
    # All heads stand small, also of layers that are not here.
    heads = root.locator(".kt-heads").first
    assert heads.evaluate(
        "c => c.getContext('2d').getImageData(60, 70, 20, 20).data.some(v => v > 0)"
    )


def test_changed_rows_are_counted_and_read(twins):
    tab = twins()
    section = tab.page.locator('[data-kvviz="row-changes"]')
    expect(section).to_have_attribute("data-changed0-left", "1")
    expect(section).to_have_attribute("data-earlier0-left", "8")
    expect(section).to_have_attribute("data-earlier0-right", "18")
    expect(section.locator(".kt-sentence").first).to_contain_text("1 of 8 earlier rows changed.")
    # Layers are named in the first 78 pixels; the cell of [CLS], 32 wide, is empty here.
    section.locator("canvas").first.hover(position={"x": 78 + 32 * 1.5, "y": 5})
    expect(section.locator(".kt-reading")).to_contain_text("One, layer 0")


def test_a_veiled_pair_shows_no_head_and_leaves_no_trace_when_it_goes(twins):
    tab = twins(veiled=True)
    root = tab.page.locator('[data-kvviz="twins"]')
    expect(root).to_have_attribute("data-veiled", "true")
    assert root.locator(".kt-heads").count() == 0
    # Mounted again, as at every rerun, it stays one.
    tab.page.evaluate("void window.mount()")
    assert root.count() == 1
    tab.page.evaluate("window.leave()")
    assert root.count() == 0


def test_a_picture_of_another_version_is_refused_in_its_place_and_the_next_one_drawn(twins):
    tab = twins()
    root = tab.page.locator('[data-kvviz="twins"]')
    expect(root).to_have_attribute("data-layer", "1")
    tab.page.evaluate("""() => {
      const text = new TextEncoder().encode('{"version":1,"arrays":[]}   ');
      const old = new Uint8Array(4 + text.length);
      old[0] = text.length;
      old.set(text, 4);
      window.mount(old);
    }""")
    expect(root.get_by_role("alert")).to_have_text(
        "This picture is of another version of kvviz. Its format is 1; the page reads 4."
        " Reload the page."
    )
    assert root.get_attribute("data-layer") is None
    assert root.locator("canvas").count() == 0
    tab.page.evaluate("() => { window.mount(); }")
    expect(root).to_have_attribute("data-layer", "1")
    expect(root.get_by_role("alert")).to_have_count(0)


def point(n_tokens, progress, bits, word):
    guesses = [[word, 0.5], ["␣the", 0.25]]
    said = [{"guesses": guesses, "continuation": f"{word} and on"}, {"guesses": guesses[:1]}]
    said[1]["continuation"] = ""
    return {"n_tokens": n_tokens, "progress": progress, "bits": bits, "said": said}


FILM = {
    "point": 1,
    "most_bits": 8.0,
    "notes": ["a note"],
    "sentences": [
        {"before": "Once upon a ", "word": "␣time", "after": " there was"},
        {"before": "The king and the ", "word": "␣queen", "after": "."},
    ],
    "films": [
        {
            "name": "One",
            "family": "gpt2",
            "points": [
                point(0, 0.0, 8.0, "␣x"),
                point(10_000, 0.4, 5.0, "␣day"),
                point(2_000_000, 1.0, 3.0, "␣time"),
            ],
        },
        {
            "name": "Other",
            "family": "bert",
            "points": [point(0, 0.0, 8.1, "␣y"), point(1_000_000, 1.0, 4.0, "␣time")],
        },
    ],
}


@pytest.mark.parametrize("width", [1000, 390])
def test_the_film_is_scrubbed_stepped_and_played(mounted, width):
    styles = ["language_modelling/token_columns.css", "language_modelling/training_film.css"]
    tab = mounted("language_modelling/training_film.bundle.js", styles, FILM, width=width)
    film = tab.page.locator('[data-kvviz="training-film"]')
    expect(film).to_have_attribute("data-point", "1")
    expect(film).to_have_attribute("data-said", "␣day|␣day")
    expect(film.locator(".lm-sentence")).to_contain_text(
        "After 10,000 tokens, 40 % of the training"
    )
    # 2^5 and 2^8.1 tokens; the other film's nearest point is its first.
    expect(film.locator(".lm-sentence")).to_contain_text("among 32 tokens (5.00 bits)")
    expect(film.locator(".lm-sentence")).to_contain_text("0 tokens into its own, among 274")
    film.get_by_role("button", name="One point on").click()
    expect(film).to_have_attribute("data-point", "2")
    expect(film.get_by_role("button", name="One point on")).to_be_disabled()
    expect(film.locator(".lm-card li.is-real .lm-guess").first).to_have_text("␣time")
    expect(film.locator(".lm-goes").first).to_have_text("… ␣time and on")
    assert film.locator(".lm-card").nth(1).locator(".lm-goes").count() == 0
    film.get_by_role("slider").press("Home")
    expect(film).to_have_attribute("data-point", "0")
    expect(film.locator(".lm-sentence")).to_contain_text("Before the first token")
    tab.page.wait_for_function("window.told.length > 0 && window.told.at(-1)[1] === 0")
    film.get_by_role("button", name="Play").click()
    expect(film).to_have_attribute("data-point", "2")
    expect(film.get_by_role("button", name="Play")).to_be_visible()
    chart = film.locator("svg[role=img]")
    box = chart.bounding_box()
    tab.page.mouse.click(box["x"] + 2, box["y"] + box["height"] / 2)
    expect(film).to_have_attribute("data-point", "0")
    page_width = tab.page.evaluate("document.documentElement.scrollWidth")
    assert page_width <= width
