"""How much memory of a device is free."""

from __future__ import annotations

from pathlib import Path

import torch

_CONTROL_GROUPS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    (
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        "/sys/fs/cgroup/memory/memory.usage_in_bytes",
    ),
)
"""Limit and use of a container, by the names of both versions of control groups."""


def free_bytes(device: torch.device) -> int | None:
    """Return the bytes that are free now, or None where the system does not tell.

    Of a container's memory, what its limit leaves counts where that is less. What torch keeps for
    later use on a GPU is free for the next run, so it counts too.
    """
    if device.type == "cuda":
        kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return torch.cuda.mem_get_info(device)[0] + kept
    if device.type == "mps":
        return torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
    found = [_available(), *(_left(*paths) for paths in _CONTROL_GROUPS)]
    return min((size for size in found if size is not None), default=None)


def _available() -> int | None:
    """Return what the kernel thinks can be had without swapping."""
    for line in _read("/proc/meminfo").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None


def _left(limit: str, used: str) -> int | None:
    """Return what a container's limit leaves, or None where there is no limit."""
    most, now = _read(limit).strip(), _read(used).strip()
    if not (most.isdecimal() and now.isdecimal()):
        return None
    return max(int(most) - int(now), 0)


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii")
    except OSError:
        return ""
