"""Visitors with a browser: tabs of one Chromium, beside the server on the same cores.

What a browser does for a page it does here as well, so these times are of a laptop that serves
a few and shows what it serves; a class has browsers of its own.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from playwright.async_api import BrowserContext, ConsoleMessage, async_playwright

from benchmarks.server_process import Server
from benchmarks.tables import p50_p95
from tests.browser.chromium import ARGUMENTS, find_chromium

N_TABS = 8
ARRIVE_WITHIN_S = 2.0
N_STEPS, STEP_EVERY_S = 5, 1.0
PATIENCE_MS = 120_000
DRAWN = "[data-kvviz=player][data-ready=true]"


async def _visit(
    context: BrowserContext, address: str, number: int, n_tabs: int
) -> dict[str, list[float]]:
    """Open a link in a tab, wait for its player, and come to rest at steps of it."""
    waited: dict[str, list[float]] = {"page": [], "player": [], "click": [], "error": []}
    await asyncio.sleep(number * ARRIVE_WITHIN_S / n_tabs)

    def heard(message: ConsoleMessage) -> None:
        if message.type == "error":
            waited["error"].append(0.0)

    page = await context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.on("console", heard)
    page.on("pageerror", lambda _: waited["error"].append(0.0))
    begun = time.monotonic()
    try:
        await page.goto(address, wait_until="commit")
        await page.wait_for_selector("h1")
        waited["page"].append(time.monotonic() - begun)
        await page.wait_for_selector(DRAWN)
        waited["player"].append(time.monotonic() - begun)
        for step in range(1, N_STEPS + 1):
            await asyncio.sleep(STEP_EVERY_S)
            pressed = time.monotonic()
            await page.keyboard.press("ArrowRight")
            await page.wait_for_url(lambda url, step=step: f"step={step}&" in f"{url}&")
            waited["click"].append(time.monotonic() - pressed)
    except Exception:  # each is counted, and none ends the others
        waited["error"].append(0.0)
    return waited


async def come(address: str, query: Callable[[int], str], server: Server) -> dict[str, Any]:
    """Let tabs come, and return what they waited for, as a row of the class's table.

    Args:
        address: Of the app.
        query: Of a tab's link, by number.
        server: The app's process.
    """
    before, busy = server.memory(), server.cpu_s()
    async with async_playwright() as playwright, server.watched():
        browser = await playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
        try:
            # Each with a store of its own, as on machines of their own.
            contexts = [await browser.new_context() for _ in range(N_TABS)]
            visits = (
                _visit(one, f"{address}/kv_cache?{query(number)}", number, N_TABS)
                for number, one in enumerate(contexts)
            )
            found = await asyncio.gather(*visits)
        finally:
            await browser.close()
    waits = {name: [s for one in found for s in one[name]] for name in found[0]}
    return {
        "sessions": f"{N_TABS} real Chromium tabs, each its own prompt",
        "page_s": p50_p95(waits["page"]),
        "player_s": p50_p95(waits["player"]),
        "click_s": p50_p95(waits["click"]),
        "errors": len(waits["error"]),
        "server_cpu_s": server.cpu_s() - busy,
        "mb_before": before / 1e6,
        "mb_peak": server.peak / 1e6,
    }
