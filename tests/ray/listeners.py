"""Which processes of Ray listen where, read from /proc, which needs no command of its own."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")
LISTENS = "0A"
LOOPBACK_V6 = "00000000000000000000000001000000"
MAPPED = "0000000000000000FFFF0000"
"""How an address of version 4 begins where it is written as one of version 6."""


def listeners() -> dict[str, list[str]]:
    """Return the addresses at which processes listen, as /proc has them, by their command lines."""
    inodes: dict[str, str] = {}
    for table in ("tcp", "tcp6"):
        for line in (PROC / "net" / table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == LISTENS:
                inodes[f"socket:[{fields[9]}]"] = fields[1]
    found: dict[str, list[str]] = {}
    for process in PROC.glob("[0-9]*"):
        # It may have ended meanwhile.
        with suppress(OSError):
            command = (
                (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            )
            for file in (process / "fd").iterdir():
                with suppress(OSError):
                    address = inodes.get(str(file.readlink()))
                    if address is not None:
                        found.setdefault(command, []).append(address)
    return found


def of_ray() -> dict[str, list[str]]:
    """Return those of Ray's processes, and of the one that started them."""
    marks = ("ray::", "/ray/", "tests.ray.cluster")
    return {
        command: addresses
        for command, addresses in listeners().items()
        if any(mark in command for mark in marks)
    }


def is_loopback(address: str) -> bool:
    """Whether nobody on another machine can reach an address, such as ``0100007F:1F90``."""
    host = address.partition(":")[0]
    if host.startswith(MAPPED):
        host = host.removeprefix(MAPPED)
    # Its bytes stand in the machine's order, the first one last.
    return host == LOOPBACK_V6 or (len(host) == 8 and host.endswith("7F"))
