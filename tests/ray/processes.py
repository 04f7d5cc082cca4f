"""Which processes a Ray of these tests consists of, read from /proc."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")
ENDED = "ZX"
"""States of those that only wait for somebody to take note of their end."""


def started_with(token: str) -> set[int]:
    """Return the processes in whose environment a word stands, and all that came of them.

    A worker of Ray writes its name over its environment, but it is the child of one that does not.
    """
    parents: dict[int, int] = {}
    found: set[int] = set()
    for folder in PROC.glob("[0-9]*"):
        # It may have ended meanwhile, or be another user's.
        with suppress(OSError):
            parents[int(folder.name)] = int(_fields(folder)[1])
            if token.encode() in (folder / "environ").read_bytes():
                found.add(int(folder.name))
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def alive(pids: set[int]) -> dict[int, str]:
    """Return those that have not ended, by what they are called."""
    found = {}
    for pid in pids:
        with suppress(OSError):
            if _fields(PROC / f"{pid}")[0] not in ENDED:
                found[pid] = (PROC / f"{pid}" / "cmdline").read_text(errors="replace")[:200]
    return found


def _fields(folder: Path) -> list[str]:
    """Return a process's state and parent; its name before them may hold anything."""
    return (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()[:2]
