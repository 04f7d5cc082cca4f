"""A run while it is made: what a browser is given of it, and how it looks at it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from kvviz.player import pack
from kvviz.player.growing import Growing
from kvviz.translation import language
from kvviz.ui.work.shown_run import ShownRun

MOST_SHARE = 0.1
"""Of the time that a run takes, what packing it for one who watches may take."""


@dataclass
class GrowingLook:
    """How one browser looks at a run that is made for it.

    Attributes:
        choose: Returns the layer and the head to begin with, from what there is of the run.
        step: Step to stay at once the run is there; None to go with its newest.
        cache: The way of looking that is wanted once it is over.
        place: Layer and head that were looked at last, None where nothing was shown yet.
        chosen: Which the page has chosen, from what there was by then.
        not_before: When more of the run may be packed for it, on the monotonic clock.
    """

    choose: Callable[[ShownRun], tuple[int, int]]
    step: int | None = None
    cache: str = "on"
    place: tuple[int, int] | None = None
    chosen: tuple[int, int] | None = None
    not_before: float = 0.0

    @property
    def picked(self) -> tuple[int, int] | None:
        """Layer and head that a person went to, None where they stayed with what was chosen."""
        return None if self.place == self.chosen else self.place


class RunSoFar:
    """A run as its record stands, and what was made of it for all who watch it.

    Args:
        shown: The run; its record is under way, or of the run with the cache where the one without
            is still to come.
    """

    def __init__(self, shown: ShownRun) -> None:
        self._shown = shown
        self._packed: dict[tuple[object, ...], bytes] = {}
        self._lock = Lock()

    @property
    def n_rows(self) -> int:
        """Rows that it has by now."""
        return self._shown.trace.n_rows

    def packed(
        self,
        look: GrowingLook,
        n_held: int = 0,
        place: tuple[int, int] | None = None,
        *,
        layer_is_held: bool = True,
    ) -> bytes:
        """Return the player's buffer of the run as it stands.

        Who looks in the same way is given the same one, which is made once.

        Args:
            look: Who looks.
            n_held: Rows that are in the browser already.
            place: Layer and head that are looked at. One that the model does not have, or None, is
                where the page begins.
            layer_is_held: Whether rows of that layer are among those in the browser.

        Raises:
            PayloadError: If the run is too large to be shown.
        """
        start = time.monotonic()
        trace = self._shown.trace
        card = trace.model
        if place is None or not (place[0] < card.n_layers and place[1] < card.n_heads):
            place = look.place or look.choose(self._shown)
        look.chosen = look.chosen or place
        look.place = place
        (layer, head), n_steps = place, trace.options.max_new_tokens
        growing = Growing(n_steps, min(n_held, trace.n_rows), layer_is_held, look.step, look.cache)
        key = (growing, place, language())
        with self._lock:
            if key not in self._packed:
                self._packed[key] = pack(
                    trace, layer=layer, head=head, growing=growing, recorded=False
                )
        end = time.monotonic()
        look.not_before = end + (end - start) / MOST_SHARE
        return self._packed[key]
