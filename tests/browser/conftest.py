"""A real Chromium on the real app."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.chromium import ARGUMENTS, find_chromium
from tests.browser.server import serving
from tests.browser.visit import Visit


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The browser, or a failure that says what to install."""
    try:
        path = find_chromium()
    except FileNotFoundError as error:
        pytest.fail(str(error), pytrace=False)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """The app, shared by all tests that do not need a cold one."""
    with serving() as address:
        yield address


FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item):
    """Tell the fixture below whether the test has failed."""
    report = yield
    if report.when == "call":
        item.stash[FAILED] = report.failed
    return report


@pytest.fixture
def visit(
    browser: Browser, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Callable[..., Visit]]:
    """Open tabs; afterwards none of them may have heard a complaint."""
    visits: list[Visit] = []

    def new(*, address: str | None = None, width: int = 1440, height: int = 1000, scheme="light"):
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme
        )
        here = address or request.getfixturevalue("address")
        visits.append(Visit(context.new_page(), here))
        return visits[-1]

    yield new
    for number, one in enumerate(visits if request.node.stash.get(FAILED, False) else []):
        picture = tmp_path / f"tab-{number}.png"
        one.page.screenshot(path=picture)
        print(f"Tab {number} at {one.page.url}, picture in {picture}, complaints {one.complaints}:")
        print(one.page.locator("body").inner_text())
    complaints = [complaint for one in visits for complaint in one.complaints]
    for one in visits:
        one.page.context.close()
    assert complaints == []
