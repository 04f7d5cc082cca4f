"""Every row is kept, in blocks of one pool that a table finds: paged attention."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from kvviz.engine.caches.block_pool import BlockPool, BlockTable
from kvviz.engine.caches.budget import checked_count
from kvviz.engine.caches.protocol import RowsPlace
from kvviz.engine.caches.rebuilt_rows import RebuiltRows
from kvviz.errors import OptionsError
from kvviz.translation import N_
from kvviz.translation import gettext as _


@dataclass(frozen=True)
class Paged:
    """Keep every row in blocks of so many positions, taken one by one from a pool as they fill.

    The rows are those of `Full`, bit for bit; its bytes are those of whole blocks. In a layer that
    sees a window a block goes back once all of its rows have fallen out. Attention reads a copy of
    the rows in the order of the text, made for each step; a server has kernels that find them where
    they lie.

    Args:
        block: Positions of a block, at least 1.

    Raises:
        OptionsError: If it is none.

    Source: Kwon et al. (2023), “Efficient memory management for large language model serving with
    PagedAttention”, section 4.
    """

    block: int = 16

    name: ClassVar[str] = "paged"
    summary: ClassVar[str] = N_("Every row stays, in blocks of one pool that a table finds.")
    keeps_rows: ClassVar[bool] = True
    for_every_decoder: ClassVar[bool] = True

    def __post_init__(self) -> None:
        checked_count("block", self.block, at_least=1)

    def rows(self, place: RowsPlace) -> PagedRows:
        """Make room for the rows of a run, in a pool of its own."""
        return PagedRows(self, place)


class PagedRows(RebuiltRows):
    """K/V rows that are computed once and kept in blocks, which other runs may share.

    Args:
        cache: How large the blocks are.
        place: What they are rows of, and where they live.
        begun: Tables of a run that begins with the same rows, one a group of layers with the same
            window; none where nothing is shared.

    Attributes:
        tables: Which blocks hold the rows of each group of layers.
    """

    def __init__(self, cache: Paged, place: RowsPlace, begun: tuple[BlockTable, ...] = ()) -> None:
        self._cache = cache
        self.tables: list[BlockTable] = []
        waiting = [*begun]

        def store(layers: list[int]) -> BlockTable:
            pool = BlockPool(len(layers), place, cache.block)
            self.tables.append(waiting.pop(0) if waiting else BlockTable(pool))
            return self.tables[-1]

        super().__init__(place, store)

    def fork(self, place: RowsPlace, n_rows: int) -> PagedRows:
        """Return the rows of another run whose first tokens are the same: it shares their blocks.

        Neither run ever writes to a block that both use: who comes to it first copies it.

        Args:
            place: What the other run's rows are rows of.
            n_rows: How many of its first rows are there already, and of the same tokens.

        Raises:
            OptionsError: If they are of another model or number format, are not there, or may have
                fallen out of windows.
        """
        own = self._place
        if (place.card, place.dtype, place.device) != (own.card, own.dtype, own.device):
            raise OptionsError(
                _("Runs share the rows of one model in one number format."),
                found=_("Found {one} and {other}.").format(
                    one=own.card.name, other=place.card.name
                ),
                fix=_("Begin the other run from nothing."),
            )
        if own.card.windows or not 1 <= n_rows <= min(self._n_rows, place.n_positions - 1):
            raise OptionsError(
                _("A run shares 1 to {n} first rows, of a model without windows.").format(
                    n=min(self._n_rows, place.n_positions - 1)
                ),
                found=_("Found {found!r}.").format(found=n_rows),
                fix=_("Begin the other run from nothing."),
            )
        other = PagedRows(self._cache, place, tuple(one.fork(n_rows) for one in self.tables))
        other.begin_with(self, n_rows)
        return other

    def give_back(self) -> None:
        """Let go of every block: nobody asks for this run's rows any more."""
        for table in self.tables:
            table.let_go(table.n_rows + table.pool.block)
