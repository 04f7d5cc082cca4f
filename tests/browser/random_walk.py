"""A person in a great hurry: types, presses, steps back and forward, at random and by a seed."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from playwright.sync_api import Error, Page

from tests.browser.whole_page import missing

Found = TypeVar("Found")

SETTLING_S = 30
"""How long the work that a walk has asked for may take until all is at rest."""
ACT = """([kind, number, text, buttons, path]) => {
  const seen = (node) => node.getClientRects().length > 0 && !node.disabled;
  const all = (selector) => [...document.querySelectorAll(selector)].filter(seen);
  const one = (nodes) => nodes[number % nodes.length];
  if (kind === "back") { if (navigation.canGoBack) history.back(); return; }
  if (kind === "forward") { history.forward(); return; }
  if (kind === "link") { one(all("a[data-testid=stPageLink-NavLink]"))?.click(); return; }
  if (kind === "key") {
    document.activeElement?.blur();
    const key = one(["ArrowRight", "ArrowLeft", "End", "Home", "l", "h", "t"]);
    document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
    return;
  }
  if (kind === "type") {
    const main = document.querySelector("[data-testid=stMain]");
    const boxes = main.querySelectorAll("textarea, input[type=text]:not([role=combobox])");
    const box = one([...boxes].filter(seen));
    if (!box) return;
    box.focus();
    const { set } = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(box), "value");
    set.call(box, text);
    box.dispatchEvent(new Event("input", { bubbles: true }));
    return;
  }
  // What is pressed elsewhere may take long, as a race does.
  if (location.pathname !== path) return;
  const wanted = all("[data-testid=stMain] button").filter((node) =>
    buttons.includes(node.innerText.trim()) || node.matches("[data-testid^=stNumberInputStep]"));
  one(wanted)?.click();
}"""
"""One action, done by the page itself, as fast as it can."""

VIEW = """(shown) => Object.fromEntries(shown.map(([selector, names]) => [
  selector,
  [...document.querySelectorAll(selector)].map((node) =>
    names.map((name) => name === "text" ? node.innerText : name === "value" ? node.value
      : node.getAttribute(name))),
]))"""

TEXTS = ("The cat", "The dog and the bird", "Lily saw a big red ball.", "One day a frog")
GAPS_MS = (0, 0, 0, 5, 10, 20, 40, 80, 160)
"""What a person in a hurry lets pass between two actions; and a program that helps one."""
BETWEEN_CLICKS_MS = 40
"""Least time from what is pressed or typed to the next action, which no hand falls short of.
Streamlit takes what two parts of a page say within 20 ms for the word of one, and breaks the page.
"""


@dataclass(frozen=True)
class Ground:
    """A page to walk on.

    Attributes:
        path: Its address, as small as it gets.
        buttons: Names of the buttons that may be pressed; the steppers of numbers may be besides.
        shown: What the address decides: selectors, and the attributes, ``text`` or ``value`` of
            what they find.
    """

    path: str
    buttons: tuple[str, ...]
    shown: tuple[tuple[str, tuple[str, ...]], ...]


_PLAYER = (
    '[data-kvviz="player"]',
    ("data-step", "data-n-steps", "data-layer", "data-head", "data-cache", "data-n-fed"),
)
_TITLE = ("h1", ("text",))
_STEPPERS = ("[data-testid=stNumberInputField]", ("value",))
GROUNDS = {
    "start": Ground("/", ("Just show me",), (_TITLE,)),
    "kv_cache": Ground(
        "/kv_cache?prompt=The+cat&new=3",
        ("Run", "With cache", "Without", "Both"),
        (_TITLE, _PLAYER, (".kv-strip", ("text",))),
    ),
    "encoder_decoder": Ground(
        "/encoder_decoder?new=3",
        ("Run", "With cache", "Without", "Both"),
        (_TITLE, _PLAYER, (".kv-strip", ("text",))),
    ),
    "bert_vs_gpt2": Ground(
        "/bert_vs_gpt2?text=The+cat+sat.",
        ("Look", "Append a word", "Edit a word", "Swap the masks", "Write on", "Just show me"),
        (_TITLE, ('[data-kvviz="twins"]', ("data-layer", "data-head"))),
    ),
    "language_modelling": Ground(
        "/language_modelling?text=The+cat+sat.",
        ("Read it", "Hide other tokens", "Just show me"),
        (
            _TITLE,
            ('[data-kvviz="token-columns"]', ("data-n-tokens", "data-n-signals")),
            ('[data-kvviz="training-film"]', ("data-point",)),
        ),
    ),
    "cache_lab": Ground(
        "/cache_lab?new=2",
        ("Just show me",),
        (_TITLE, _STEPPERS, _PLAYER),
    ),
    "speed_and_memory": Ground("/speed_and_memory?new=5", (), (_TITLE,)),
    "model_sizes": Ground(
        "/model_sizes?users=2",
        ("Just show me",),
        (_TITLE, _STEPPERS, ('[data-kvviz="model-sizes"]', ("text",))),
    ),
}  # fmt: skip


def walk(page: Page, ground: Ground, seed: int, n_actions: int) -> None:
    """Do so many things at random.

    Args:
        page: The tab, on the ground.
        ground: The page to walk on; links to other pages are followed at times.
        seed: Which of the walks.
        n_actions: Actions.
    """
    chance = random.Random(seed)
    kinds = chance.choices(
        ("back", "forward", "type", "press", "key", "link"), (28, 18, 16, 22, 10, 6), k=n_actions
    )
    for kind in kinds:
        what = [
            kind,
            chance.randrange(1000),
            chance.choice(TEXTS),
            list(ground.buttons),
            ground.path.split("?")[0],
        ]
        through_a_reload(page, lambda what=what: page.evaluate(ACT, what))
        gap = chance.choice(GAPS_MS)
        page.wait_for_timeout(max(gap, BETWEEN_CLICKS_MS) if kind in ("press", "type") else gap)


def through_a_reload(page: Page, ask: Callable[[], Found]) -> Found:
    """Ask a page something, once more if it is just being loaded.

    Streamlit draws into a part that is gone, and breaks, when two parts of a page are used within
    20 ms, which no person does and this walk may. The app then loads its page anew: `recovery.js`.
    """
    try:
        return ask()
    except Error as error:
        if "Execution context was destroyed" not in error.message:
            raise
        page.wait_for_load_state()
        return ask()


def settled(page: Page) -> None:
    """Wait until nothing more happens: half a second without a sign of work."""
    quiet = 0
    until = time.monotonic() + SETTLING_S
    while quiet < 5:
        busy = through_a_reload(page, lambda: missing(page, (), charts=False))
        quiet = 0 if busy else quiet + 1
        page.wait_for_timeout(100)
        assert time.monotonic() < until, "the page does not come to rest"


def view(page: Page, ground: Ground) -> dict[str, object]:
    """Return what the page shows of all that its address decides."""
    wanted = [[selector, list(names)] for selector, names in ground.shown]
    return through_a_reload(page, lambda: page.evaluate(VIEW, wanted))


def wait_until_alike(page: Page, other: Page, ground: Ground) -> None:
    """Wait until two tabs show the same; fail with what each shows instead.

    Both are looked at anew each time. On a busy machine a page can give no sign of work for longer
    than `settled` waits, while what was asked of it is still on its way.
    """
    until = time.monotonic() + SETTLING_S
    while (found := view(page, ground)) != (shown := view(other, ground)):
        assert time.monotonic() < until, f"walked: {found}\nfresh: {shown}"
        page.wait_for_timeout(100)
