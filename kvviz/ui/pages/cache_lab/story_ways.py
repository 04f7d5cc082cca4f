"""The ways of keeping a part of the rows that are compared on the held-out stories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kvviz.ui.pages.cache_lab.kept_part import KeptPart

BUDGETS = (16, 32, 64)
"""Rows that a query may read."""
SINK_ROWS = 16
SINKS = (0, 1, 2, 4, 8)
"""How many first rows a window of `SINK_ROWS` keeps for good."""


@dataclass(frozen=True)
class Line:
    """A way of keeping rows at any budget.

    Attributes:
        way: A key of `WAYS`.
        sinks: First rows that stay for good.
        recent: Share of the last rows among those drawn by lot; nothing for other ways.
        control: Name of the line that is its control, empty for a control.
    """

    way: str
    sinks: int = 0
    recent: str = ""
    control: str = ""

    def words(self, rows: int) -> str:
        """Return what the engine reads of it at a budget."""
        return KeptPart(self.way, rows, self.sinks).for_engine + self.recent


LINES = {
    "window": Line("window", control="lot"),
    "sinks": Line("window", sinks=4, control="lot-sinks"),
    "heavy": Line("heavy", control="lot"),
    "least": Line("least", control="lot-alone"),
    "lot": Line("random", recent=",recent=0.5"),
    "lot-sinks": Line("random", sinks=4, recent=",recent=0.5"),
    "lot-alone": Line("random", recent=",recent=0"),
}
"""What is compared. A rule that goes by the prompt has nothing to go by in a text that is fed token
by token, so that SnapKV is not among them."""


def all_ways(budgets: Sequence[int]) -> dict[str, str]:
    """Return every line at every budget in the engine's words, by these words."""
    return {words: words for line in LINES.values() for words in map(line.words, budgets)}


def sink_words(rows: int = SINK_ROWS) -> dict[int, str]:
    """Return windows of so many rows in all, by their sinks, in the engine's words."""
    return {sinks: KeptPart("window", rows, sinks).for_engine for sinks in SINKS}


def sink_ways() -> dict[str, str]:
    """Return the windows of `SINK_ROWS` in the engine's words, by these words."""
    return {words: words for words in sink_words().values()}
