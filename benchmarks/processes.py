"""What a process of the app gives on a core, and what two behind nginx give on the same machine.

Visitors without a browser (`benchmarks.visitor`) come one after another, so many at a time, for a
while: what is done in that time is how much can be done, and the seconds that each process has kept
a core busy say what does it. Visits that differ in one part say by their difference what that part
costs. `python -m benchmarks.processes --json benchmarks/results/processes.json` takes four minutes;
nginx must be there for the second half. Visitors take their part of the same cores, which is told.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import resource
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.machine import describe_machine
from benchmarks.server_process import Server
from benchmarks.tables import as_markdown, p50_p95
from benchmarks.visitor import Visitor
from tests.browser.nginx import free_port, nginx_before
from tests.browser.server import serving_process

AT_A_TIME, FOR_S = 12, 10.0
STAYING = 40, 160
"""Tabs that are open at a time."""
PATIENCE_S = 120.0
PROCESSES = {8501: "b-k", 8502: "m-z"}
"""Ports of `deploy/kvviz.conf`, and the name of the process behind each."""

_numbers = itertools.count()


async def html(address: str) -> float:
    """Fetch the page alone, as who asks for it and never connects; return the seconds waited."""
    import httpx2 as httpx

    begun = time.monotonic()
    async with httpx.AsyncClient(base_url=address, timeout=PATIENCE_S, verify=False) as client:
        (await client.get("/")).raise_for_status()
    return time.monotonic() - begun


async def _visit(address: str, page: str, query: str, *, waits_for_player: bool) -> float:
    visitor, begun = Visitor(address, page, query), time.monotonic()
    try:
        await visitor.open()
        if waits_for_player:
            await visitor.player(PATIENCE_S)
        else:
            await visitor.until(lambda tab: tab.is_drawn, PATIENCE_S)
        return time.monotonic() - begun
    finally:
        await visitor.close()


async def start_page(address: str) -> float:
    """Come to the start page, whose run ships, and leave."""
    return await _visit(address, "", "", waits_for_player=False)


async def same_run(address: str) -> float:
    """Come by a link that everybody has, to a run that is made once."""
    return await _visit(address, "kv_cache", _link("everybody"), waits_for_player=True)


async def own_run(address: str) -> float:
    """Come with a prompt that nobody has asked for, and wait for its run."""
    link = _link(f"visitor {next(_numbers)} of {os.getpid()}")
    return await _visit(address, "kv_cache", link, waits_for_player=True)


def _link(whose: str) -> str:
    # Its name is a word of the language.
    return import_module("benchmarks.class")._own(whose)(0)


VISITS: dict[str, Callable[[str], Awaitable[float]]] = {
    "the HTML alone": html,
    "the start page": start_page,
    "a run that is there": same_run,
    "a run of one's own": own_run,
}


@dataclass
class Site:
    """The app at one address.

    Attributes:
        address: Where visitors come.
        processes: Of the app.
        proxy: nginx's working process, None where there is no nginx.
    """

    address: str
    processes: list[Server]
    proxy: Server | None = None

    def cpu_s(self) -> float:
        """Return the seconds for which the app's processes have kept cores busy so far."""
        return sum(one.cpu_s() for one in self.processes)

    def memory_mb(self) -> float:
        """Return the megabytes that the app's processes hold."""
        return sum(one.memory() for one in self.processes) / 1e6


@contextmanager
def serving_site(n_processes: int) -> Iterator[Site]:
    """Start the app in one process, or in two behind nginx; stop it afterwards."""
    with ExitStack() as stack, TemporaryDirectory() as folder:
        ports, processes, addresses = {}, [], []
        for named, name in [*PROCESSES.items()][:n_processes]:
            own = name if n_processes > 1 else ""
            ports[named] = free_port()
            serving = serving_process(port=ports[named], KVVIZ_THREADS="1", KVVIZ_PROCESS=own)
            address, process = stack.enter_context(serving)
            processes.append(Server(process.pid))
            addresses.append(address)
        if n_processes == 1:
            yield Site(addresses[0], processes)
            return
        nginx = stack.enter_context(nginx_before(ports, Path(folder)))
        # nginx's own process starts one that works.
        children = Path(f"/proc/{nginx.pid}/task/{nginx.pid}/children").read_text().split()
        yield Site(nginx.address, processes, Server(int(children[0])))


async def go_on(site: Site, visit: Callable[[str], Awaitable[float]]) -> dict[str, Any]:
    """Let visitors come for a while, and return what came of it."""
    waited: list[float] = []
    begun = time.monotonic()

    async def come() -> None:
        while time.monotonic() - begun < FOR_S:
            waited.append(await visit(site.address))

    busy, proxy = site.cpu_s(), site.proxy.cpu_s() if site.proxy else 0.0
    own = _own_cpu_s()
    await asyncio.gather(*(come() for _ in range(AT_A_TIME)))
    seconds = time.monotonic() - begun
    cpu_s = site.cpu_s() - busy
    return {
        "a_second": len(waited) / seconds,
        "waited_s": p50_p95(waited),
        "app_cpu_ms_each": 1000 * cpu_s / len(waited),
        "cores_of_the_app": cpu_s / seconds,
        "cores_of_nginx": (site.proxy.cpu_s() - proxy) / seconds if site.proxy else 0.0,
        "cores_of_the_visitors": (_own_cpu_s() - own) / seconds,
    }


def _own_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def stay(site: Site) -> dict[str, Any]:
    """Let visitors come to a run that is there, and stay; return what each takes of the memory.

    Fewer come first: what they leave behind is used again by those who come after them, so it is
    the difference that tells.
    """
    before = site.memory_mb()
    visitors: list[Visitor] = []
    held: list[float] = []
    for n in STAYING:
        while len(visitors) < n:
            visitors.append(Visitor(site.address, "kv_cache", _link("everybody")))
            await visitors[-1].open()
            await visitors[-1].player(PATIENCE_S)
        held.append(site.memory_mb())
    for one in visitors:
        await one.close()
    return {
        "mb_with_its_model": before,
        **{f"mb_with_{n}_tabs": mb for n, mb in zip(STAYING, held, strict=True)},
        "mb_a_tab": (held[-1] - held[0]) / (STAYING[-1] - STAYING[0]),
    }


def measure(only: int = 0) -> dict[str, Any]:
    """Measure one process, and two behind nginx.

    Args:
        only: Measure with so many processes alone, with both numbers where it is 0.
    """
    visits, memory = [], []
    for n_processes in (1, 2):
        if only not in (0, n_processes):
            continue
        with serving_site(n_processes) as site:
            at_start = site.memory_mb()
            for _ in range(2 * n_processes):
                # The model is loaded, and what is made once is made, in each.
                asyncio.run(own_run(site.address))
                asyncio.run(same_run(site.address))
            stays = asyncio.run(stay(site))
            memory.append({"processes": n_processes, "mb_at_start": at_start, **stays})
            for name, visit in VISITS.items():
                row = asyncio.run(go_on(site, visit))
                visits.append({"processes": n_processes, "visit": name, **row})
                print(visits[-1], file=sys.stderr)
    return {"visits": visits, "memory": memory}


def main() -> int:
    """Measure, and print or write what came out."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.processes", description=__doc__)
    parser.add_argument("--only", type=int, default=0, help="with so many processes alone")
    parser.add_argument("--json", type=Path, help="write to this file, and the table beside it")
    arguments = parser.parse_args()
    load = os.getloadavg()[0]
    result = {"machine": {**describe_machine(), "load_before": load}, **measure(arguments.only)}
    table = as_markdown("processes", result)
    if arguments.json:
        text = json.dumps(result, indent=2) + "\n"
        arguments.json.write_text(text, encoding="utf-8")
        arguments.json.with_suffix(".md").write_text(table, encoding="utf-8")
    print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
