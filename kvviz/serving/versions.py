"""Which kvviz speaks: an app and what runs its models must be the same one."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version

PROTOCOL = 2
"""Counts up with each change of what requests and messages say."""


@cache
def here() -> str:
    """Return the version of this kvviz, such as ``0.1.0/2``: its own, and that of what it sends."""
    try:
        return f"{version('kvviz')}/{PROTOCOL}"
    except PackageNotFoundError:
        return f"checkout/{PROTOCOL}"  # not for people: a name of what has none
