import asyncio
from pathlib import Path

import pytest

from kvviz.ui.shell.asgi_middleware import RedirectHome
from kvviz.ui.shell.page_list import FOLDER, PAGES


def answer(path: str, method: str = "GET", root_path: str = "", query: bytes = b"") -> str:
    """Return where a request is led, or `served` if it goes through."""
    messages = []

    async def served(scope, receive, send):
        messages.append({"headers": [(b"location", b"served")]})

    async def send(message):
        messages.append(message)

    scope = {
        "type": "http",
        "path": path,
        "method": method,
        "root_path": root_path,
        "query_string": query,
    }
    asyncio.run(RedirectHome(served)(scope, None, send))
    return dict(messages[0]["headers"])[b"location"].decode()


@pytest.mark.parametrize("path", ["/", "/kv_cache", "/_stcore", "/static", "/favicon.png",
                                  "/_stcore/health", "/static/js/index.js"])  # fmt: skip
def test_what_exists_is_served(path):
    assert answer(path) == "served"


def test_an_unknown_page_leads_home_with_its_name():
    assert answer("/no_such_page") == "/?lost=no_such_page"
    assert answer("/tools", root_path="/base") == "/base/?lost=tools"


def test_the_home_page_by_its_name_is_the_home_page_with_its_view():
    assert answer("/start") == answer("/start/") == "/"
    assert answer("/start", root_path="/base") == "/base/"
    assert answer("/start", query=b"step=5&layer=2") == "/?step=5&layer=2"
    assert answer("/start", query=b"step=5\r\nSet-Cookie: x") == ("/?step=5%0D%0ASet-Cookie%3A%20x")


def test_the_name_cannot_carry_anything_into_the_answer():
    assert answer("/a\r\nSet-Cookie: x") == "/?lost=a%0D%0ASet-Cookie%3A%20x"
    assert len(answer("/" + "x" * 5000)) < 120


def test_only_reading_is_led_home():
    assert answer("/no_such_page", method="POST") == "served"


def test_the_pages_listed_are_the_files_that_exist():
    assert PAGES[0].name == "start"
    assert {entry.name for entry in PAGES} == {Path(file).stem for file in FOLDER.glob("*.py")}
