"""A window whose new tokens are told wrong positions, as a cache that forgets to count tells them.

It is no way of keeping rows that anybody should choose, so it is not among `kvviz.caches`: it is
here to be measured beside those that count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from kvviz.engine.caches.kept_rows import KeptRows
from kvviz.engine.caches.protocol import RowsPlace
from kvviz.engine.caches.window import Window
from kvviz.translation import N_


@dataclass(frozen=True)
class FrozenWindow:
    """A window with sinks whose new tokens are at the position that the cache's length tells.

    As long as nothing is evicted that is their place in the text. From then on the cache grows no
    more, and every new token is told the same position. It is what comes out where a cache drops
    rows and nobody tells the model the positions; `Window` tells them.

    Args:
        size: As of `Window`.
        sinks: Likewise.

    Raises:
        OptionsError: If a setting is none.
    """

    size: int
    sinks: int = 0

    name: ClassVar[str] = "frozen-window"
    summary: ClassVar[str] = N_("A window whose new tokens are all told the same position.")
    keeps_rows: ClassVar[bool] = True

    def __post_init__(self) -> None:
        Window(self.size, self.sinks)

    def rows(self, place: RowsPlace) -> _FrozenRows:
        """Make room for the rows of a run."""
        return _FrozenRows(Window(self.size, self.sinks).rule(place), place)


class _FrozenRows(KeptRows):
    def arguments(self, fed: range) -> dict[str, Any]:
        """Return the cache alone: what the model takes for its length is how many rows it holds."""
        arguments = super().arguments(fed)
        n_held = self._room_of[0].n_rows
        arguments["position_ids"] = arguments["position_ids"] - fed.start + n_held
        return arguments
