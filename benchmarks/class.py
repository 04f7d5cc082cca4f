# ruff: noqa: N999 - it is run by its name; what others import of it is in `visitor.py`.
"""A class at once: what each of its visitors waits for, and what they take of the server's memory.

Visitors are websocket sessions that answer as a browser does (`benchmarks.visitor`), beside the
server on the same cores; what a browser itself does on a visitor's own machine is not in these
times. A few tabs of a real Chromium come after them, and a run is made beside a busy neighbour.
`make bench-class` does it all; `--only 30` lets those crowds come that have it in their title.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from benchmarks import busy_neighbour, real_tabs
from benchmarks.machine import describe_machine
from benchmarks.server_process import Server
from benchmarks.tables import as_markdown, p50_p95
from benchmarks.visitor import Visitor
from tests.browser.server import serving_process

N_WORDS, N_NEW = 28, 64
ARRIVE_WITHIN_S = 2.0
CLICKS, CLICK_EVERY_S = 5, 1.0
PATIENCE_S = 60.0
TABS, NEIGHBOUR = "8 real tabs", "a busy neighbour"

WORDS = (
    "the a one old small red cat dog girl boy bird tree house river hill road day night king queen "
    "friend ball boat garden song was had saw went said found took gave made liked wanted and but "
    "then when so to in on under over with of very happy sad big little away home again never"
)


@dataclass(frozen=True)
class Crowd:
    """Visitors who come at once.

    Attributes:
        title: As in the table.
        n: How many.
        page: Of the app, empty for the start page.
        query: Of a visitor's link, by number.
        within_s: All have come after so many seconds.
        click: What each does once a second when the player is there.
    """

    title: str
    n: int
    page: str
    query: Callable[[int], str]
    within_s: float = ARRIVE_WITHIN_S
    click: Callable[[Visitor, int], Any] = lambda visitor, i: visitor.click(i + 1)


def _own(crowd: str) -> Callable[[int], str]:
    """Return links to prompts that nobody has asked for before, of `N_WORDS` words."""

    def query(number: int) -> str:
        chosen = random.Random(f"{crowd} {number}").choices(WORDS.split(), k=N_WORDS)
        return urlencode({"prompt": " ".join(chosen).capitalize(), "new": N_NEW})

    return query


def _same(crowd: str) -> Callable[[int], str]:
    return lambda number: _own(crowd)(0)


def _anew(visitor: Visitor, number: int) -> Any:
    return visitor.click_anew()


CROWDS = (
    Crowd("1", 1, "kv_cache", _own("one")),
    Crowd("10, each its own prompt", 10, "kv_cache", _own("ten")),
    Crowd("30, each its own prompt", 30, "kv_cache", _own("thirty")),
    Crowd("30, all the same link", 30, "kv_cache", _same("link")),
    Crowd("60, each its own prompt", 60, "kv_cache", _own("sixty")),
    Crowd("60 on the start page", 60, "", lambda number: "", click=_anew),
    Crowd("300 on one link within 10 s", 300, "kv_cache", _same("lecture"), within_s=10.0),
)


@dataclass
class Waited:
    """What one visitor waited for.

    Attributes:
        page_s: Seconds from the link to the first drawing of the page.
        player_s: Seconds from the link to the player.
        clicks_s: Seconds from each click to its answer.
        complaints: What went wrong in the eyes of the visitor.
    """

    page_s: float
    player_s: float
    clicks_s: list[float]
    complaints: list[str]


async def visit(crowd: Crowd, address: str, number: int) -> Waited:
    """Come in one's turn, wait for the player, click, and leave."""
    await asyncio.sleep(number * crowd.within_s / crowd.n)
    visitor = Visitor(address, crowd.page, crowd.query(number))
    begun = time.monotonic()
    page_s = player_s = PATIENCE_S
    clicks_s: list[float] = []
    try:
        await visitor.open()
        await visitor.until(lambda tab: tab.is_drawn, PATIENCE_S)
        page_s = time.monotonic() - begun
        await visitor.player(PATIENCE_S)
        player_s = time.monotonic() - begun
        for click in range(CLICKS):
            await asyncio.sleep(CLICK_EVERY_S)
            clicks_s.append(await crowd.click(visitor, click))
    except Exception as error:  # each is counted, and none ends the others
        waited_for = "the page" if page_s == PATIENCE_S else "the player"
        if player_s != PATIENCE_S:
            waited_for = f"click {len(clicks_s) + 1}"
        visitor.complaints.append(f"{waited_for}: {type(error).__name__} {error}")
    finally:
        await visitor.close()
    return Waited(page_s, player_s, clicks_s, visitor.complaints)


async def come(crowd: Crowd, address: str, server: Server) -> dict[str, Any]:
    """Let a crowd come, and return what its visitors waited for, as a row of the table."""
    before, busy = server.memory(), server.cpu_s()
    async with server.watched():
        waited = await asyncio.gather(*(visit(crowd, address, n) for n in range(crowd.n)))
    print(f"{crowd.title}: came", file=sys.stderr)
    complaints = [complaint for one in waited for complaint in one.complaints]
    if complaints:
        print(crowd.title, *sorted(set(complaints)), sep="\n  ", file=sys.stderr)
    return {
        "sessions": crowd.title,
        "page_s": p50_p95([one.page_s for one in waited]),
        "player_s": p50_p95([one.player_s for one in waited]),
        "click_s": p50_p95([click for one in waited for click in one.clicks_s]),
        "errors": len(complaints),
        "server_cpu_s": server.cpu_s() - busy,
        "mb_before": before / 1e6,
        "mb_peak": server.peak / 1e6,
    }


def measure(
    only: str = "", left_for_s: float = 300.0, keep: Callable[[dict[str, Any]], Any] = id
) -> dict[str, Any]:
    """Let crowds come to one server, one after another, and look at its memory when all have left.

    Args:
        only: Crowds whose title has this in it; the tabs and the neighbour have titles too.
        left_for_s: Seconds between the last one's leaving and the last look at the memory.
        keep: Given what there is after each part, should a later one fail.
    """
    result: dict[str, Any] = {}
    crowds = [crowd for crowd in CROWDS if only in crowd.title]
    with_tabs, with_neighbour = (only in title for title in (TABS, NEIGHBOUR))
    if crowds or with_tabs:
        rows = result["class"] = []
        with serving_process() as (address, process):
            server = Server(process.pid)
            # The model is loaded, and what is made once is made.
            asyncio.run(visit(Crowd("warm", 1, "kv_cache", _own("warm")), address, 0))
            begun = server.memory()
            for crowd in crowds:
                rows.append(asyncio.run(come(crowd, address, server)))
                keep(result)
            if with_tabs:
                rows.append(asyncio.run(real_tabs.come(address, _own("tabs"), server)))
                print(f"{TABS}: came", file=sys.stderr)
                keep(result)
            time.sleep(left_for_s)
            left, start = server.memory() / 1e6, begun / 1e6
            result["memory_when_all_have_left"] = {
                "mb_at_start": start,
                "after_s": left_for_s,
                "mb": left,
                "more_than_at_start": f"{left / start - 1:.0%}",
            }
            keep(result)
    if with_neighbour:
        result["beside_a_busy_neighbour"] = busy_neighbour.measure()
    return result


def main() -> int:
    """Measure what is asked for, and print or write what came out."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.class", description=__doc__)
    parser.add_argument("--only", default="", help="crowds whose title has this in it")
    parser.add_argument(
        "--left-for", type=float, default=300.0, help="seconds before the last look"
    )
    parser.add_argument("--json", type=Path, help="write to this file, and the table beside it")
    arguments = parser.parse_args()
    machine = describe_machine()

    def keep(result: dict[str, Any]) -> str:
        table = as_markdown("class", {"machine": machine, **result})
        if arguments.json:
            text = json.dumps({"machine": machine, **result}, indent=2) + "\n"
            arguments.json.write_text(text, encoding="utf-8")
            arguments.json.with_suffix(".md").write_text(table, encoding="utf-8")
        return table

    print(keep(measure(arguments.only, arguments.left_for, keep)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
