"""The server is killed in the middle of a run and of a lesson, and started again.

The pages say so, come back by themselves, and hold what was typed.
"""

import re
import signal
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.browser.app_timed_once import HELD_FROM, SLOW
from tests.browser.server import serving_process
from tests.browser.test_growing_run import GROWING, PROMPT, open_and_run, until_held
from tests.browser.visit import PLAYER
from tests.parity.tiny_decoders import TinyDecoder

pytestmark = pytest.mark.browser

BAR = '[data-kvviz="room-bar"]'
OVER = re.compile("started again|rooms end when the app")
LONG_MS = 60_000
"""A server takes its time to begin, and a browser to ask again."""
TYPED = "What nobody else has seen"
OF_A_LOST_SERVER = re.compile(
    r"ERR_CONNECTION|WebSocket|failed: |Client Error|when disconnected|Is Streamlit still running"
)
"""What a browser writes into its console when a server is gone."""


def prompt_of(tab):
    return tab.page.get_by_role("textbox", name="Prompt")


def test_what_was_typed_outlives_the_server(visit, tmp_path):
    folder = TinyDecoder("slow", config={"max_position_embeddings": 128}).save(
        tmp_path / f"tiny{SLOW}"
    )
    with serving_process(timed_once=True, KVVIZ_THREADS="1") as (address, process):
        teacher = visit(address=address)
        teacher.open("/kv_cache", new="2")
        teacher.page.get_by_role("button", name="Open a room", exact=True).click()
        expect(teacher.page.locator(BAR)).to_have_attribute("data-state", "leads")
        teacher.page.keyboard.press("Escape")
        prompt_of(teacher).fill(TYPED)
        runner = visit(address=address)
        open_and_run(runner, folder)
        assert until_held(runner) >= HELD_FROM
        process.send_signal(signal.SIGKILL)
        process.wait()
        for tab in (teacher, runner):
            expect(tab.page.get_by_role("dialog")).to_be_visible(timeout=LONG_MS)
    with serving_process(timed_once=True, port=urlsplit(address).port, KVVIZ_THREADS="1"):
        for tab in (teacher, runner):
            expect(tab.page.get_by_role("dialog")).to_have_count(0, timeout=LONG_MS)
        expect(prompt_of(teacher)).to_have_value(TYPED)
        expect(prompt_of(runner)).to_have_value(PROMPT)
        # Rooms are of one process.
        expect(teacher.page.get_by_text(OVER)).to_be_visible(timeout=LONG_MS)
        expect(runner.page.locator(f'{GROWING}, [data-kvviz="work-bar"]')).to_have_count(0)
        teacher.page.get_by_role("button", name="Run", exact=False).first.click()
        expect(teacher.page.locator(PLAYER)).to_be_visible(timeout=LONG_MS)
    for tab in (teacher, runner):
        tab.complaints[:] = [one for one in tab.complaints if not OF_A_LOST_SERVER.search(one)]
