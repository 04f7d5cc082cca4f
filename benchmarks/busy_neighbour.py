"""A run while other programs keep every core busy, at low priority: an ordinary laptop.

The app chooses its threads as it does anywhere, on an idle machine; then the neighbour comes. The
same runs by servers that were told how many threads to take say what the better number is.
"""

from __future__ import annotations

import asyncio
import random
import time
from statistics import median
from typing import Any
from urllib.parse import urlencode

from benchmarks.visitor import Visitor
from tests.browser.server import serving
from tests.browser.soak import busy_cores
from tests.payload_reader import unpack

PATIENCE_S = 300.0
N_WORDS = 28
LENGTHS = {250: 3, 960: 1}
"""New tokens, and how many runs of so many are made; the median counts. With the words of a prompt
they fit into the model's 1,024 positions."""
SETTINGS: dict[str, dict[str, str]] = {
    "as the app chooses": {},
    "1 thread": {"KVVIZ_THREADS": "1"},
    "2 threads": {"KVVIZ_THREADS": "2"},
}
LOWEST = 19
WORDS = "the a small red cat dog house river hill road day was saw went found and then on big home"


async def _run_ms(address: str, prompt: str, n_new: int) -> float:
    """Return the time from a link to the player that shows its run, in milliseconds a token."""
    visitor = Visitor(address, "kv_cache", urlencode({"prompt": prompt, "new": n_new}))
    begun = time.monotonic()
    try:
        await visitor.open()
        await visitor.until(lambda tab: bool(tab.buffer or tab.complaints), PATIENCE_S)
        if visitor.complaints:
            raise RuntimeError(visitor.complaints[0])
        header, _ = unpack(await visitor.player(PATIENCE_S))
        # A run may come to the end of its text before.
        return 1000 * (time.monotonic() - begun) / header["n_steps"]
    finally:
        await visitor.close()


def _times(address: str, turn: str) -> dict[int, float]:
    """Return how long a token of each length of run takes, by prompts that are new here."""
    found = {}
    for n_new, n_runs in LENGTHS.items():
        times = []
        for number in range(n_runs):
            words = random.Random(f"{turn} {n_new} {number}").choices(WORDS.split(), k=N_WORDS)
            times.append(asyncio.run(_run_ms(address, " ".join(words).capitalize(), n_new)))
        found[n_new] = median(times)
    return found


def measure() -> list[dict[str, Any]]:
    """Return a row for each setting: milliseconds a token alone and beside the neighbour."""
    rows = []
    for title, variables in SETTINGS.items():
        with serving(timed_once=False, **variables) as address:
            # The model is loaded while the machine is idle.
            asyncio.run(_run_ms(address, "Once upon a time", 8))
            alone = _times(address, "alone")
            with busy_cores(LOWEST):
                beside = _times(address, "beside")
        row: dict[str, Any] = {"threads": title}
        for n_new in LENGTHS:
            row |= {f"{n_new}_alone_ms": alone[n_new], f"{n_new}_busy_ms": beside[n_new]}
        rows.append(row)
    better = {n_new: min(row[f"{n_new}_busy_ms"] for row in rows[1:]) for n_new in LENGTHS}
    for row in rows:
        for n_new in LENGTHS:
            row[f"{n_new}_times_the_better"] = row[f"{n_new}_busy_ms"] / better[n_new]
    return rows
