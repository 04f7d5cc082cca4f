"""The app's process as Linux knows it: what it holds in memory, and how long it has computed."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

LOOKS_EVERY_S = 0.1


@dataclass
class Server:
    """The server's process.

    Attributes:
        pid: Its number.
        peak: The most bytes that it has been seen to hold while it was watched.
    """

    pid: int
    peak: int = field(default=0, init=False)

    def memory(self) -> int:
        """Return the bytes that it holds in memory."""
        pages = Path(f"/proc/{self.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def cpu_s(self) -> float:
        """Return the seconds for which it has kept cores busy so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Keep `peak` up to date inside the ``with``."""
        self.peak = self.memory()

        async def watch() -> None:
            while True:
                self.peak = max(self.peak, self.memory())
                await asyncio.sleep(LOOKS_EVERY_S)

        watching = asyncio.create_task(watch())
        try:
            yield
        finally:
            watching.cancel()
