"""What a player is told of a run that is still under way."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Growing:
    """How a player goes with a run that grows, as ``growing`` of the buffer's header says it.

    Attributes:
        n_steps: Most steps that the run can come to.
        n_held: Rows that the player has by now. Of the arrays of the layer in view only what came
            since is packed: the other rows of the pattern, of fingerprints, and of numbers unless
            their largest came since, which all of them are parts of. So are the patterns of all
            layers, where those of the whole run are not too large. A T5's are packed whole.
        layer_is_held: Whether these are rows of the layer in view; else it is packed whole.
        step: Where to stay once the run has come there; None to go with its newest step.
        cache: The way of looking that is wanted of it once it is over: ``on``, ``off`` or ``both``.
    """

    n_steps: int
    n_held: int = 0
    layer_is_held: bool = True
    step: int | None = None
    cache: str = "on"

    @property
    def n_held_of_layer(self) -> int:
        """Rows that the player has of the layer in view."""
        return self.n_held if self.layer_is_held else 0
