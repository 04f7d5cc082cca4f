"""The settings in which KIVI's statements are tried on the held-out stories."""

from __future__ import annotations

from kvviz.ui.pages.cache_lab.packing import Packing

TRIED = {
    "eight": Packing(8, 8),
    "four": Packing(4, 4),
    "four-token": Packing(4, 4, "token", "token"),
    "both": Packing(2, 2, "channel", "token"),
    "token": Packing(2, 2, "token", "token"),
    "channel": Packing(2, 2, "channel", "channel"),
    "reversed": Packing(2, 2, "token", "channel"),
    "keys-2": Packing(2, 8, "token", "token"),
    "values-2": Packing(8, 2, "token", "token"),
    "keys-1": Packing(1, 8, "token", "token"),
    "values-1": Packing(8, 1, "token", "token"),
}
"""What is compared, by name. By token a row is packed as it comes, so that none waits where keys
stand against values."""


def tried_words() -> dict[str, str]:
    """Return each of `TRIED` in the engine's words, by name."""
    return {name: one.for_engine for name, one in TRIED.items()}
