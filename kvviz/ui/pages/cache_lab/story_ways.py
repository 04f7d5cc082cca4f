"""The ways of keeping a part of the rows that are compared on the held-out stories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

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


SPARED_ROWS = 16
"""Rows that some layers keep, while all others keep every row."""
MOST_STRETCHES = 6
"""Stretches into which the layers of a model are cut, at most."""
SPARED = {
    "lot": "random:{rows}+4,recent=0.5",
    "heavy": "heavy:{rows}",
}
"""Rules by which these layers choose, in the engine's words; the first is the control."""


def stretches(n_layers: int) -> list[range]:
    """Return the layers of a model in neighbours, a layer each where there are few."""
    n = min(n_layers, MOST_STRETCHES)
    ends = [n_layers * number // n for number in range(n + 1)]
    return [range(first, end) for first, end in pairwise(ends)]


def spared_name(rule: str, layers: range) -> str:
    """Return the name of a way in which some layers keep few rows."""
    return f"{rule}:{layers.start}-{layers.stop - 1}"


def spared_ways(n_layers: int) -> dict[str, str]:
    """Return every rule for every stretch of layers in the engine's words, by name."""
    found: dict[str, str] = {}
    for layers in stretches(n_layers):
        # A share of one is every row, and not one row.
        rows = "/".join(str(SPARED_ROWS) if layer in layers else "1.0" for layer in range(n_layers))
        found |= {
            spared_name(rule, layers): words.format(rows=rows) for rule, words in SPARED.items()
        }
    return found
