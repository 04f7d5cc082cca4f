"""A window of the last rows, and the first few beside it: StreamingLLM."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from jaxtyping import Float32
from torch import Tensor

from kvviz.engine.caches.budget import checked_count
from kvviz.engine.caches.kept_rows import KeptRows
from kvviz.engine.caches.protocol import RowsPlace
from kvviz.engine.caches.rule import BudgetRule, Candidates, Rule, held
from kvviz.errors import OptionsError
from kvviz.translation import N_
from kvviz.translation import gettext as _

Positions = Literal["kept", "renumbered"]


@dataclass(frozen=True)
class Window:
    """Keep the last rows, and the first ones as sinks; all layers and heads alike.

    Args:
        size: Last positions that a query sees, its own among them, at least 1.
        sinks: First positions that stay for good.
        positions: ``kept`` where keys stay as they were cached, so that sinks are as far away as
            they stand in the text; ``renumbered`` where sinks stand right before the window, their
            keys turned by the model's own rotation. That is for models that turn their keys.

    Raises:
        OptionsError: If a setting is none.

    Source: Xiao et al. (2023), “Efficient streaming language models with attention sinks”,
    section 3.
    """

    size: int
    sinks: int = 0
    positions: Positions = "kept"

    name: ClassVar[str] = "window"
    summary: ClassVar[str] = N_("The last rows stay, and the first few beside them as sinks.")
    keeps_rows: ClassVar[bool] = True
    for_every_decoder: ClassVar[bool] = True

    def __post_init__(self) -> None:
        checked_count("size", self.size, at_least=1)
        checked_count("sinks", self.sinks, at_least=0)
        if self.positions not in ("kept", "renumbered"):
            raise OptionsError(
                _("Positions are kept or renumbered."),
                found=_("Found {found!r}.").format(found=self.positions)[:200],
                fix=_("Change it and run again."),
            )

    @property
    def renumbers(self) -> bool:
        """Whether keys are turned, which not every model can have done to them."""
        return self.positions == "renumbered"

    def rows(self, place: RowsPlace) -> KeptRows:
        """Make room for the rows of a run."""
        n_turned = self.sinks if self.renumbers else 0
        return KeptRows(self.rule(place), place, n_turned)

    def rule(self, place: RowsPlace) -> Rule:
        """Return by which rule rows go."""
        return _LastRows(self, place)


class _LastRows(BudgetRule):
    def __init__(self, cache: Window, place: RowsPlace) -> None:
        super().__init__(cache.size + cache.sinks, place)
        self._n_sinks = cache.sinks

    def worth(self, rows: Candidates) -> Float32[Tensor, "layer kv_head row"]:
        """Return the position: the older the less."""
        return held(rows.positions.float(), rows, n_sinks=self._n_sinks)
