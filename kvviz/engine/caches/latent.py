"""Keys and values of a layer are kept together, in one row of fewer numbers: the idea of MLA."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from kvviz.engine.caches.budget import checked_count
from kvviz.engine.caches.fewer_numbers import rows_in_fewer_numbers
from kvviz.engine.caches.protocol import RowsPlace
from kvviz.engine.caches.rebuilt_rows import RebuiltRows
from kvviz.translation import N_


@dataclass(frozen=True)
class Latent:
    """Keep keys and values of all heads of a layer in one row of so many numbers a position.

    As `LowRank`, but that keys and values share the numbers. Multi-head latent attention learns
    such rows while a model is trained; here they are found afterwards, from a text that ships. The
    position that MLA keeps beside its latent row, in numbers that are turned, has no counterpart:
    models whose keys are turned do not take it.

    Args:
        rank: Numbers of a position, at least 1.

    Raises:
        OptionsError: If the rank is none.

    Source: DeepSeek-AI (2024), “DeepSeek-V2”, section 2.1.2, for one latent row of keys and values.
    """

    rank: int

    name: ClassVar[str] = "latent"
    summary: ClassVar[str] = N_("Every row stays, keys and values together in fewer numbers.")
    keeps_rows: ClassVar[bool] = True
    keeps_directions: ClassVar[bool] = True

    def __post_init__(self) -> None:
        checked_count("rank", self.rank, at_least=1)

    def rows(self, place: RowsPlace) -> RebuiltRows:
        """Make room for the rows of a run.

        Raises:
            OptionsError: If a row has fewer numbers.
        """
        return rows_in_fewer_numbers({"both": self.rank}, place)
