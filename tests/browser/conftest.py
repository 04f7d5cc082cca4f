"""A real Chromium on the real app."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, sync_playwright

from tests.browser.axe import axe_source
from tests.browser.chromium import ARGUMENTS, find_chromium
from tests.browser.server import serving
from tests.browser.visit import PATIENCE_MS, WORK_MS, Visit


@pytest.fixture(scope="package")
def axe() -> str:
    """The source of axe-core."""
    return axe_source()


@pytest.fixture(scope="package")
def profile() -> Iterator[BrowserContext]:
    """The browser with what a person's would keep, or a failure that says what to install.

    It is closed after the last test of this folder: while it is open an event loop runs in this
    thread, and other tests start loops of their own.
    """
    try:
        path = find_chromium()
    except FileNotFoundError as error:
        pytest.fail(str(error), pytrace=False)
    # With a folder for it: in memory alone a browser has no room for what Plotly was compiled to,
    # which is then made anew and given up each time it is loaded.
    folder = TemporaryDirectory(prefix="kvviz-browser-", ignore_cleanup_errors=True)
    with folder as kept, sync_playwright() as playwright:
        window = playwright.chromium.launch_persistent_context(
            kept, executable_path=path, args=ARGUMENTS
        )
        yield window
        window.close()


@pytest.fixture(scope="package")
def browser(profile: BrowserContext) -> Browser:
    """The browser, for windows that know nothing of each other."""
    assert profile.browser is not None
    return profile.browser


@pytest.fixture(scope="package")
def address(profile: BrowserContext) -> Iterator[str]:
    """The app, shared by all tests that do not need a cold one; it has done its first run.

    Each worker has one, so it takes one thread: two would fight for the cores of the other.
    """
    with serving(timed_once=True, KVVIZ_THREADS="1", KVVIZ_PSEUDO="1") as address:
        page = profile.new_page()
        Visit(page, address, cold=True).open("/kv_cache", new="2")
        page.close()
        yield address


def shown(page: Page, picture: Path) -> str:
    """Take a picture of a page and return what it says."""
    page.screenshot(path=picture)
    # A picture of shapes has no body.
    return page.evaluate("() => document.body?.innerText ?? document.documentElement.textContent")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo):
    """Put what the tabs showed into the report of a test that has failed."""
    report = yield
    if report.when == "call" and report.failed and "visit" in getattr(item, "funcargs", {}):
        for number, tab in enumerate(item.funcargs["visit"].visits):
            picture = item.funcargs["tmp_path"] / f"tab-{number}.png"
            try:
                words = shown(tab.page, picture)
            except Error as error:  # a tab that hangs or is closed is no end of all tests
                words = f"It cannot be looked at: {error.message}"
            facts = f"{tab.page.url}\npicture: {picture}\ncomplaints: {tab.complaints}\n{words}"
            report.sections.append((f"tab {number}", facts))
    return report


class Windows:
    """The windows for tabs with a touch screen and without, and tabs that lie empty in them.

    A window of its own for each tab would load and compile Streamlit anew, and a tab of its own
    starts a process and compiles what it runs: a tab that a test has left is the next one's. What
    the app keeps of a person is in its session, which ends where a tab leaves the page; what a tab
    might store besides is taken away after each test.

    Args:
        mouse: The window of those without a touch screen.
        touch: That of those with one, which knows nothing of what is stored in the other.
    """

    N_VISITS = 12
    """How many visits a tab is used for; what a page has left in its memory goes with it."""

    def __init__(self, mouse: BrowserContext, touch: BrowserContext) -> None:
        self._contexts = {False: mouse, True: touch}
        self._left: dict[tuple[bool, bool], list[Page]] = defaultdict(list)
        self._n_visits: Counter[Page] = Counter()

    def tab(self, *, slow: bool, touch: bool) -> Page:
        """Return an empty tab; one that was on a slow line stays on it."""
        left = self._left[slow, touch]
        page = left.pop() if left else self._contexts[touch].new_page()
        self._n_visits[page] += 1
        return page

    def take_back(self, page: Page, *, slow: bool) -> None:
        """Keep an empty tab, or close it if it was used for long."""
        if self._n_visits[page] < self.N_VISITS:
            self._left[slow, page.context is self._contexts[True]].append(page)
        else:
            del self._n_visits[page]
            page.close()

    def forget(self) -> None:
        """Take away what tabs may have stored or been allowed."""
        for context in self._contexts.values():
            context.clear_cookies()
            context.clear_permissions()


@pytest.fixture(scope="package")
def windows(profile: BrowserContext, browser: Browser) -> Iterator[Windows]:
    """The windows of all tests of a worker."""
    touch = browser.new_context(has_touch=True)
    yield Windows(profile, touch)
    touch.close()


class Visits:
    """Opens tabs and keeps them."""

    def __init__(self, windows: Windows, shared: Callable[[], str]) -> None:
        self.visits: list[Visit] = []
        self._windows = windows
        self._shared = shared

    def __call__(
        self,
        *,
        address: str | None = None,
        width: int = 1440,
        height: int = 1000,
        scheme="light",
        slow: bool = False,
        touch: bool = False,
        moving: bool = False,
        works: bool = False,
    ) -> Visit:
        """Open a tab, on the shared app if no address is given; `slow` as over a slow line.

        An app of one's own may take its time over its first answer, and so may one where models
        have to work for long first (`works`). Less motion is asked for, so
        that nothing plays by itself, unless the test is about what moves.
        """
        page = self._windows.tab(slow=slow, touch=touch)
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(
            media="null",
            color_scheme=scheme,
            reduced_motion="no-preference" if moving else "reduce",
        )
        at = address or self._shared()
        patience_ms = WORK_MS if works else PATIENCE_MS
        self.visits.append(
            Visit(page, at, slow=slow, cold=address is not None, patience_ms=patience_ms)
        )
        return self.visits[-1]

    def close(self) -> None:
        """Leave the tabs, and forget what they stored."""
        for tab in self.visits:
            if tab.page.is_closed():
                continue
            tab.leave()
            self._windows.take_back(tab.page, slow=tab.slow)
        self._windows.forget()


@pytest.fixture
def visit(windows: Windows, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Visits]:
    """Open tabs; afterwards none of them may have heard a complaint."""
    visits = Visits(windows, lambda: request.getfixturevalue("address"))
    yield visits
    complaints = [complaint for tab in visits.visits for complaint in tab.complaints]
    visits.close()
    assert complaints == []
