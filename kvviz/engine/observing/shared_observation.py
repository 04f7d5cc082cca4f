"""What is seen of a forward pass that several runs share, and whose it is."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from kvviz.engine.observing.observation import StepObservation
from kvviz.errors import ObservationError
from kvviz.translation import gettext as _


class SharedObservation(StepObservation):
    """Watches a pass in which the rows of several runs stand in one line.

    Args:
        parts: Who watches each run.
        lengths: How many rows of the line are each run's.

    Attributes:
        parts: As given.
        lengths: As given.
        rows: Keys and values that each run's attention reads in the layer at work.
    """

    __slots__ = ("lengths", "parts", "rows")

    def __init__(self, parts: Sequence[StepObservation], lengths: Sequence[int]) -> None:
        super().__init__()
        self.parts = list(parts)
        self.lengths = list(lengths)
        self.rows: list[tuple[Tensor, Tensor]] = []

    def hand_out(self) -> None:
        """Tell each run which of the projected rows were its own.

        Raises:
            ObservationError: If a projection saw more rows than there are, or fewer.
        """
        n_rows = sum(self.lengths)
        for layer, n_seen in self.projected:
            if n_seen != n_rows:
                raise ObservationError(
                    _("The observers of a step disagree, so nothing can be said about it."),
                    found=_(
                        "Layer {layer} projected {n} rows of several runs, which fed {all}."
                    ).format(layer=layer, n=n_seen, all=n_rows),
                    fix=_("Report this with the versions of kvviz, torch and transformers."),
                )
            for part, length in zip(self.parts, self.lengths, strict=True):
                part.projected.append((layer, length))
