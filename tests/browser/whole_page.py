"""When a page is there: its figures are, they are drawn, and nothing on it is still under way.

What a page is made of is declared here, so that no picture and no judgement is ever made of a page
that is half there.
"""

from __future__ import annotations

from dataclasses import dataclass

from playwright.sync_api import Page, TimeoutError

PATIENCE_MS = 120_000
POLLING_MS = 50

MISSING = """([hooks, withCharts]) => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const missing = hooks.filter((hook) => !all(`[data-kvviz="${hook}"]`).length)
    .map((hook) => `no ${hook}`);
  if (document.querySelector("[data-testid=stApp]")?.dataset.testScriptState !== "notRunning") {
    missing.push("the script runs");
  }
  const under = {
    "a skeleton": ".stSkeleton, [data-testid*=Skeleton]",
    "a spinner": "[data-testid=stSpinner], [data-testid=stStatusWidget]",
    "a bar of progress": "[data-kvviz=work-bar], [data-testid=stProgress], .stProgress",
    "a part of the drawing before": "[data-stale=true]",
  };
  for (const [what, selector] of Object.entries(under)) {
    const found = all(selector).filter((node) => node.getClientRects().length &&
      (withCharts || !node.closest("[class*=st-key-kvviz-chart-]")));
    if (found.length) missing.push(`${found.length} × ${what}`);
  }
  // Plotly comes for a chart that is near the window, and for all where a page is to be printed.
  // In a tab of the tests they wait for a word besides (`visit.py`).
  if (withCharts) window.kvvizLetChartsCome?.();
  if (withCharts) window.dispatchEvent(new Event("beforeprint"));
  for (const hook of withCharts ? all("[data-kvviz^=chart-][data-n-points]") : []) {
    const holder = hook.closest("[class*=st-key-kvviz-chart-]");
    if (!holder?.querySelector(".js-plotly-plot .main-svg")) {
      missing.push(`${hook.dataset.kvviz} is not drawn`);
    }
  }
  const blank = (canvas) => {
    if (!canvas.width || !canvas.height) return true;
    const small = new OffscreenCanvas(64, 64).getContext("2d");
    small.drawImage(canvas, 0, 0, 64, 64);
    return !small.getImageData(0, 0, 64, 64).data.some((byte) => byte > 0);
  };
  // What lies over another canvas shows only what is pointed at. They are read when all else is
  // there: to read a canvas has it drawn first.
  const canvases = missing.length ? [] : all("[data-kvviz] canvas:not([aria-hidden=true])");
  const empty = canvases.filter((node) => node.getClientRects().length && blank(node));
  if (empty.length) missing.push(`${empty.length} blank of ${canvases.length} canvases`);
  if (document.fonts.status !== "loaded") missing.push("fonts are loading");
  return missing;
}"""
"""Names what is not there yet. A thing is looked for where it is on the page and has a size."""


class NotThereError(Exception):
    """A page that is not there in full; the message names what is missing."""


@dataclass(frozen=True)
class Sight:
    """A page as it is shown to somebody.

    Attributes:
        path: Its address, with what it is asked for.
        hooks: Values of ``data-kvviz`` of its figures.
        press: A button to press first; none if empty.
    """

    path: str
    hooks: tuple[str, ...]
    press: str = ""

    def open(self, page: Page, address: str, *, patience_ms: float = PATIENCE_MS) -> None:
        """Open it and wait until it is whole.

        Raises:
            NotThereError: If it is not within that time.
        """
        page.goto(f"{address}{self.path}")
        if self.press:
            page.get_by_role("button", name=self.press, exact=True).first.click()
        wait_until_whole(page, self.hooks, patience_ms=patience_ms)


SIGHTS = {
    "start": Sight("/", ("player",)),
    "kv_cache": Sight("/kv_cache", ("player",)),
    "bert_vs_gpt2": Sight("/bert_vs_gpt2?do=append", ("twins", "verdict"), "Just show me"),
    "language_modelling": Sight("/language_modelling", ("training-film", "token-columns")),
    "encoder_decoder": Sight("/encoder_decoder", ("player", "encoder-head")),
    "cache_lab": Sight(
        "/cache_lab", ("player", "verdict", "kept-part", "chart-kept-steps"),
    ),
    "speed_and_memory": Sight(
        "/speed_and_memory?prompt_tokens=6&new=5&repeats=2",
        ("race", "race-result", "verdict", "chart-speed-up-curve", "chart-cache-bytes"),
        "Just show me",
    ),
    "model_sizes": Sight(
        "/model_sizes",
        ("model-sizes", "accelerators", "chart-cache-growth", "chart-model-ladder",
         "chart-parameter-parts"),
    ),
}  # fmt: skip
"""Each page by its address, as a visitor finds it or soon has it."""


def missing(page: Page, hooks: tuple[str, ...], *, charts: bool = True) -> list[str]:
    """Return what is not there yet or under way, in words; nothing if the page is whole.

    Without charts those far from the window may be still to come.
    """
    return page.evaluate(MISSING, [list(hooks), charts])


def wait_until_whole(
    page: Page,
    hooks: tuple[str, ...],
    *,
    charts: bool = True,
    patience_ms: float = PATIENCE_MS,
) -> None:
    """Wait until every figure is there and drawn, and nothing is under way.

    Args:
        page: The tab.
        hooks: Values of ``data-kvviz`` that must be there.
        charts: Whether charts must be drawn too, those far from the window among them.
        patience_ms: How long that may take.

    Raises:
        NotThereError: If it takes longer.
    """
    whole = f"(wanted) => !({MISSING})(wanted).length"
    try:
        # Now and then: to look in each frame costs the page the frames that are waited for.
        page.wait_for_function(
            whole, arg=[list(hooks), charts], polling=POLLING_MS, timeout=patience_ms
        )
    except TimeoutError:
        refuse_half(page, hooks, charts=charts)


def refuse_half(page: Page, hooks: tuple[str, ...], *, charts: bool = True) -> None:
    """Raise a `NotThereError` that names what is missing, if anything is."""
    found = missing(page, hooks, charts=charts)
    if found:
        raise NotThereError(f"{page.url} is not there in full: {'; '.join(found)}.")
