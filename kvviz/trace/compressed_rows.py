"""Rows that stand for several positions, as in DeepSeek-V4."""

from __future__ import annotations

from dataclasses import dataclass, fields

from kvviz.errors import TraceError
from kvviz.translation import gettext as _


@dataclass(frozen=True)
class CompressedRows:
    """What layers keep that make one row of several positions.

    One row a position is key and value of all heads; every layer keeps those of its window. Beside
    them some layers keep a row for every few positions, of which an indexer chooses, and others a
    row for every many, all of which are attended to.

    Attributes:
        n_fine: Layers with a row for every `fine` positions, and an indexer's key for each.
        fine: Positions in such a row.
        n_coarse: Layers with a row for every `coarse` positions.
        coarse: Positions in such a row.
        n_index_heads: Query heads of the indexer.
        d_index: Width of its key.
        n_groups: Groups of heads whose output is made narrow by itself.
        d_group: Width to which it is made.
        n_streams: Residual streams that are mixed before and after attention and MLP.

    Raises:
        TraceError: If a number is not a whole one from 1 up.
    """

    n_fine: int
    fine: int
    n_coarse: int
    coarse: int
    n_index_heads: int
    d_index: int
    n_groups: int
    d_group: int
    n_streams: int

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if type(value) is not int or value < 1:
                raise TraceError(
                    _("Compressed rows need whole numbers from 1 up."),
                    found=_("{name} is {value!r}.").format(name=field.name, value=value),
                )
