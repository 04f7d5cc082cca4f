"""One browser tab on the app, and what a person would look for in it."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode
from weakref import WeakKeyDictionary

import numpy as np
from PIL import Image
from playwright.sync_api import Locator, Page, TimeoutError, expect

from tests.browser.held_requests import HeldRequests
from tests.browser.pace import at_this_pace

PATIENCE_MS = at_this_pace(10_000)
"""How long anything expected may take: 10 s on a machine of usual speed, where hardly anything
takes a second."""

WORK_MS = at_this_pace(60_000)
"""How long it may take where models work first. The longest: a story read through a cache of fewer
numbers: 12 s alone, on two cores at half their usual speed, and over 30 s beside busy ones."""

COLD_MS = 120_000
"""How long the first run of a server may take, which imports torch before it."""

PLAYER = '[data-kvviz="player"]:not([data-growing])'
"""Of a run that is over."""

BUFFERS = f"*/_kvviz/bytes/{64 * '?'}"
"""Addresses of what the pictures draw. Those of scripts are longer."""

TELL_TWICE = """
const hook = "[data-kvviz]";
const brings = ({ type, addedNodes }) => type === "attributes" || [...addedNodes].some((node) =>
  node.nodeType === Node.ELEMENT_NODE && (node.matches(hook) || node.querySelector(hook)));
new MutationObserver((changes) => {
  // Hundreds of times a page is drawn on and no thing comes with it.
  if (!changes.some(brings)) return;
  const seen = new Set();
  for (const node of document.querySelectorAll(hook)) {
    const card = node.closest("[class*=st-key-]");
    const where = card ? [...card.classList].find((name) => name.startsWith("st-key-")) : "page";
    // Two runs have a history each, and so has each of several models.
    const { kvviz, cache, model = "" } = node.dataset;
    const which = kvviz === "history" ? ` ${cache} ${model}` : "";
    const thing = `${node.dataset.kvviz}${which} in ${where}`;
    if (seen.has(thing)) window.kvvizTwice(thing);
    seen.add(thing);
  }
}).observe(document, { childList: true, subtree: true, attributeFilter: ["data-kvviz"] });
"""
"""Tells of a thing that is on the page twice, if only for a moment. Streamlit leaves what a former
drawing put there until the next one is through, so a part whose place moves stands there twice."""


SLOW_LINE = """
const heard = Object.getOwnPropertyDescriptor(WebSocket.prototype, "onmessage").set;
Object.defineProperty(WebSocket.prototype, "onmessage", {
  set(hear) {
    let line = Promise.resolve();
    heard.call(this, (event) => {
      line = line.then(() => new Promise((go) => setTimeout(go, 25))).then(() => hear(event));
    });
  },
});
"""
"""The server's messages come one by one, so that the page is drawn in between, as with a server
far away. On the machine itself many of them come within one frame, and what lies between is unseen.
"""


CHARTS_WAIT = """
let wanted;
const asked = new Promise((come) => { window.kvvizLetChartsCome = come; });
Object.defineProperty(window, "kvvizChartsWanted", {
  get: () => asked.then(() => wanted),
  set(byTheApp) { wanted = byTheApp; },
});
"""
"""Has the app's charts wait for the test's word besides its own (`kvviz/ui/shell/late_charts.py`).
To read Plotly and draw one chart takes as much work as all else on a page, and most tests look at
none. Where one is looked at, it comes the app's own way: when it is near the window."""


_STILL_CSS = (Path(__file__).parent / "still.css").read_text(encoding="utf-8")
STILL = f"""
const still = new CSSStyleSheet();
still.replaceSync({json.dumps(_STILL_CSS)});
document.adoptedStyleSheets.push(still);
"""
"""Puts on `still.css`."""


TEXTS_OVER_TEXTS = """() => {
  const upright = [...document.querySelectorAll("text")].filter((one) => one.getCTM().b === 0);
  const boxes = upright.map((one) => [one.textContent, one.getBoundingClientRect()]);
  return boxes.flatMap(([text, a], i) => boxes.slice(i + 1)
    .filter(([, b]) => Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > a.height / 2)
    .filter(([, b]) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1)
    .map(([other]) => `${text} | ${other}`));
}"""
"""Names the texts of an SVG that lie upon one another, two and two; slanting ones are left out."""


_TWICE: WeakKeyDictionary[Page, list[Callable[[str], None]]] = WeakKeyDictionary()


def _things_seen_twice(page: Page, *, slow: bool) -> list[Callable[[str], None]]:
    """Return who hears of a thing that is on a page twice; prepare the page if it is new."""
    if page not in _TWICE:
        heard = _TWICE[page] = []
        page.expose_function("kvvizTwice", lambda name: [hear(name) for hear in heard] and None)
        for script in (TELL_TWICE, STILL, CHARTS_WAIT, *([SLOW_LINE] if slow else [])):
            page.add_init_script(script)
    return _TWICE[page]


OVERFLOW = (
    "Math.max(document.documentElement.scrollWidth,"
    " document.querySelector('[data-testid=stMain]').scrollWidth) - window.innerWidth"
)
"""How many pixels a page is wider than the window, in the browser's own language."""


class Visit:
    """A tab: opens pages, waits on hooks, and hears what should not be heard.

    Attributes:
        slow: Whether the server's messages come one by one, as over a slow line.
        complaints: Console errors and warnings, uncaught exceptions, and failed requests.
        n_sent: Websocket messages that the page has sent.
    """

    def __init__(
        self,
        page: Page,
        address: str,
        *,
        slow: bool = False,
        cold: bool = False,
        patience_ms: int = PATIENCE_MS,
    ) -> None:
        self.page = page
        self.address = address
        self.slow = slow
        self.complaints: list[str] = []
        self.n_sent = 0
        page.set_default_timeout(COLD_MS if cold else patience_ms)
        expect.set_options(timeout=patience_ms)
        self._hearing = {
            "console": self._hear,
            "pageerror": lambda error: self.complaints.append(f"exception: {error}"),
            "requestfailed": self._hear_failed,
            "websocket": lambda socket: socket.on("framesent", self._count),
        }
        for what, hear in self._hearing.items():
            page.on(what, hear)
        self._twice = _things_seen_twice(page, slow=slow)
        self._twice.append(self._hear_twice)
        self._held: list[HeldRequests] = []

    def _let_all_go(self) -> None:
        for held in self._held:
            held.end()
        self._held.clear()

    def hold(self, addresses: str, *answers: str) -> HeldRequests:
        """Hold back what is asked for at some addresses, until the tab is left at the latest."""
        self._held.append(HeldRequests(self.page, addresses, answers or ("wait",)))
        return self._held[-1]

    def leave(self) -> None:
        """Hear no more of the tab, and leave it empty: it may be another visit's."""
        for what, hear in self._hearing.items():
            self.page.remove_listener(what, hear)
        self._twice.clear()
        self.page.unroute_all(behavior="ignoreErrors")
        if self.page.url.startswith(self.address):
            self.page.evaluate("() => { localStorage.clear(); sessionStorage.clear(); }")
        self.page.goto("about:blank")
        self._let_all_go()

    def _hear_failed(self, request) -> None:
        """Hear of what was not to be had, as nothing from elsewhere is (`chromium.py`).

        To be told of each request would cost this process most of what a page costs it.
        """
        if not request.url.startswith((self.address, "data:", "blob:")):
            self.complaints.append(f"left the machine: {request.url}")
            return
        # A bar of progress, or a room's, may be asking at the moment when its page is left.
        if "/_kvviz/" in request.url and request.failure == "net::ERR_ABORTED":
            return
        self.complaints.append(f"failed: {request.url}")

    def _hear(self, message) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text}")

    def _hear_twice(self, name: str) -> None:
        complaint = f"twice on the page: {name}"
        if complaint not in self.complaints:
            self.complaints.append(complaint)

    def _count(self, _) -> None:
        self.n_sent += 1

    def open(self, path: str = "/", **parameters: str) -> Visit:
        """Open a link and wait until a player is drawn."""
        query = f"?{urlencode(parameters)}" if parameters else ""
        self.page.goto(f"{self.address}{path}{query}")
        self.page.wait_for_selector(f"{PLAYER}[data-step]")
        return self

    @property
    def player(self) -> Locator:
        """The player's root element."""
        return self.page.locator(PLAYER)

    def hooks(self) -> dict[str, int | str]:
        """Return the player's hooks, numbers as numbers."""
        read = self.player.evaluate("node => ({...node.dataset})")
        return {name: int(text) if text.isdigit() else text for name, text in read.items()}

    def wait(self, **hooks: int | str) -> dict[str, int | str]:
        """Wait until hooks have these values and return all of them."""
        self._wait_until(
            PLAYER,
            {
                f"data-{re.sub('[A-Z]', lambda capital: f'-{capital[0].lower()}', name)}": value
                for name, value in hooks.items()
            },
        )
        return self.hooks()

    def _wait_until(self, selector: str, attributes: dict[str, int | str]) -> None:
        """Wait until an element has these attributes.

        By a selector and not by `expect`, which reads the whole page for a message each time that
        what it looks for is not there yet; it is asked for that message where the time is up.
        """
        wanted = "".join(f'[{name}="{value}"]' for name, value in attributes.items())
        try:
            self.page.wait_for_selector(f"{selector}{wanted}", state="attached")
        except TimeoutError:
            for name, value in attributes.items():
                expect(self.page.locator(selector)).to_have_attribute(name, str(value), timeout=1)
            raise

    def chart(self, name: str) -> Locator:
        """Go to a chart, found by the hook that stands in one container with it, and return it.

        Until a test does, or asks that `charts_come`, none is drawn.
        """
        self.charts_come()
        hook = self.page.locator(f'[data-kvviz="chart-{name}"]')
        expect(hook).to_be_attached()
        holder = hook.locator(f"xpath=ancestor::*[contains(@class, 'st-key-kvviz-chart-{name}')]")
        holder.scroll_into_view_if_needed()
        return holder.locator(".js-plotly-plot")

    def charts_come(self) -> None:
        """Let the charts of this page come when the app wants them, as they do for a person."""
        self.page.evaluate("() => window.kvvizLetChartsCome?.()")

    def still(self) -> None:
        """Wait until the server has nothing more to say and no script runs."""
        self._wait_until('[data-testid="stApp"]', {"data-test-script-state": "notRunning"})

    def painted(self) -> None:
        """Wait until what has changed by now is on the screen, which is two frames later."""
        self.page.evaluate(
            "() => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))"
        )

    def press_as_soon_as_it_is_there(self, button: str) -> None:
        """Let the page itself press a button: from here one would come too late at times."""
        self.page.evaluate(
            """wanted => new MutationObserver((_, watch) => {
              const button = [...document.querySelectorAll("button")]
                .find((one) => one.innerText.trim() === wanted);
              if (button) { watch.disconnect(); button.click(); }
            }).observe(document.body, { childList: true, subtree: true })""",
            button,
        )

    def answer_by_keyboard(self, question: str) -> Locator:
        """Answer a question with its first choice; the keyboard goes on where it was answered.

        That is the answer's place, not the page's beginning. Returned is this place.
        """
        answers = self.page.locator(f".st-key-kvviz-answers-{question}")
        expect(answers).to_be_visible()
        self.still()
        rows = answers.get_by_role("radiogroup")
        if rows.count():
            for number in range(rows.count()):
                rows.nth(number).get_by_role("radio").first.focus()
                self.page.keyboard.press("Enter")
        else:
            answers.get_by_role("button").first.focus()
            self.page.keyboard.press("Enter")
        expect(answers).to_have_count(0)
        spot = self.page.locator(f".st-key-kvviz-answered-{question} .kvviz-answered")
        expect(spot).to_be_focused()
        self.still()
        # Also when what follows the answer is through, such as a race.
        expect(spot).to_be_focused()
        return spot

    def choose(self, name: str, option: str, *, exact: bool = False) -> None:
        """Choose from a list by the keyboard: one that is opened by pointer shuts when it moves."""
        listed = self.page.get_by_role("combobox", name=name)
        listed.focus()
        listed.press("ArrowDown")
        self.page.get_by_role("option", name=option, exact=exact).first.click()

    def run_prompt(self, prompt: str) -> None:
        """Type a prompt and press Run, without waiting for the run."""
        self.page.get_by_role("textbox", name="Prompt").fill(prompt)
        self.page.get_by_role("button", name="Run", exact=False).first.click()

    def pixels(self, selector: str) -> np.ndarray:
        """Return what an element looks like: (height, width, 3) numbers from 0 to 255."""
        picture = self.page.locator(selector).first.screenshot()
        return np.asarray(Image.open(io.BytesIO(picture)).convert("RGB"), dtype=np.int16)

    def overflow(self) -> int:
        """Return how many pixels the page is wider than the window."""
        return self.page.evaluate(f"() => {OVERFLOW}")

    def fits(self) -> None:
        """Wait until the page is no wider than the window, whose size it takes on frames later."""
        self.page.wait_for_function(f"() => {OVERFLOW} <= 0")
