"""The exported document in a real browser, opened from a file as a person would."""

import pytest

from kvviz.player import export_html, notebook_html
from tests.factories import make_comparison, make_trace

pytestmark = pytest.mark.browser

READY = "[data-kvviz=player][data-ready=true]"
CANVAS_COLOURS = """
() => Math.max(...[...document.querySelectorAll("canvas")].map((canvas) => {
  const { width, height } = canvas;
  if (!width || !height) return 0;
  const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
  return new Set(new Uint32Array(data.buffer)).size;
}))
"""


@pytest.fixture
def page(browser):
    """A page that fails the test on any message in its console and on any request to elsewhere."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    said = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on(
        "request",
        lambda request: (
            request.url.startswith(("file:", "blob:", "data:", "about:"))
            or said.append(request.url)
        ),
    )
    yield page
    page.close()
    assert said == []


def hooks(place):
    return place.locator(READY).evaluate("(root) => ({...root.dataset})")


@pytest.mark.parametrize("use_cache", [True, False])
def test_every_step_says_what_was_computed_and_reused(page, tmp_path, use_cache):
    trace = make_trace(n_prompt=9, n_new=5, use_cache=use_cache)
    export_html(trace, tmp_path / "run.html")
    page.goto((tmp_path / "run.html").as_uri())
    page.wait_for_selector(READY)
    for number, step in enumerate(trace.steps):
        page.wait_for_selector(f"{READY}[data-step='{number}']")
        seen = hooks(page)
        assert seen["kind"] == step.kind
        assert seen["nComputed"] == str(step.computed.size)
        assert seen["nReused"] == str(step.reused.size)
        assert seen["cache"] == ("on" if use_cache else "off")
        page.locator(READY).press("ArrowRight")
    assert page.evaluate(CANVAS_COLOURS) > 20


def test_prompts_that_look_like_markup_are_text(page, tmp_path):
    prompt = "</title><script>document.title = 'taken'</script><b>"
    export_html(make_trace(n_prompt=9, prompt=prompt), tmp_path / "run.html")
    page.goto((tmp_path / "run.html").as_uri())
    page.wait_for_selector(READY)
    assert page.title() == f"tests/random: {prompt}"
    assert page.locator("h1").inner_text() == page.title()


def test_a_notebook_s_frame_draws_both_runs(page, tmp_path):
    path = tmp_path / "notebook.html"
    path.write_text(
        f"<!doctype html><meta charset='utf-8'>{notebook_html(make_comparison(n_prompt=9))}",
        encoding="utf-8",
    )
    page.goto(path.as_uri())
    frame = page.frame_locator("iframe")
    frame.locator(READY).wait_for()
    assert hooks(frame)["cache"] == "both"
