"""Every row is kept, in fewer numbers: keys for themselves, and values for themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from kvviz.engine.caches.budget import checked_count
from kvviz.engine.caches.fewer_numbers import rows_in_fewer_numbers
from kvviz.engine.caches.protocol import RowsPlace
from kvviz.engine.caches.rebuilt_rows import RebuiltRows
from kvviz.translation import N_


@dataclass(frozen=True)
class LowRank:
    """Keep the keys of all heads of a layer in so many numbers a position, and the values likewise.

    A row is told by how far it goes along the directions in which the model's rows differ most, as
    a text that ships tells; it is made anew from them for each step that reads it. A prompt is read
    whole before. Models whose keys are turned to their positions do not take it: there the same
    token's key lies along another direction at each place.

    Args:
        rank: Numbers of the keys of a position, at least 1.
        value_rank: Numbers of its values; as many if None.

    Raises:
        OptionsError: If a setting is none.

    Source: Chang et al. (2024), “Palu: compressing KV-cache with low-rank projection”, section 3.2,
    where directions of all heads together are called joint-head decomposition.
    """

    rank: int
    value_rank: int | None = None

    name: ClassVar[str] = "low-rank"
    summary: ClassVar[str] = N_("Every row stays, keys and values each in fewer numbers.")
    keeps_rows: ClassVar[bool] = True
    keeps_directions: ClassVar[bool] = True

    def __post_init__(self) -> None:
        checked_count("rank", self.rank, at_least=1)
        if self.value_rank is None:
            object.__setattr__(self, "value_rank", self.rank)
        checked_count("value_rank", self.value_rank, at_least=1)

    def rows(self, place: RowsPlace) -> RebuiltRows:
        """Make room for the rows of a run.

        Raises:
            OptionsError: If a row has fewer numbers.
        """
        assert self.value_rank is not None
        return rows_in_fewer_numbers({"keys": self.rank, "values": self.value_rank}, place)
