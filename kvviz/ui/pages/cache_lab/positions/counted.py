"""A text that is read with the same rows kept, and positions counted in two ways or three."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kvviz.ui.pages.cache_lab.bench import read_tokens
from kvviz.ui.pages.cache_lab.judgement import Judgement, OfCache
from kvviz.ui.pages.cache_lab.kept_part import KeptPart
from kvviz.ui.work.equal_work import Asker
from kvviz.ui.work.run_settings import RunSettings
from kvviz.ui.work.shown_run import ShownRun

if TYPE_CHECKING:
    from kvviz.engine import LoadedModel

KEPT, FROZEN, RENUMBERED = "kept", "frozen", "renumbered"


@dataclass(frozen=True, eq=False)
class Counted:
    """What came of a text.

    Attributes:
        shown: The run that goes on with it, positions kept, as the player shows it.
        found: What each way of counting comes to beside every row, by its name; `RENUMBERED` is
            there where the model turns its keys.
        frozen_at: The one position that all new tokens have where it is frozen.
    """

    shown: ShownRun
    found: Judgement
    frozen_at: int

    @property
    def nearest(self) -> set[str]:
        """The ways that are nearest to the full cache, no further off than can be told apart.

        That is twice the standard error of their difference, token by token.
        """
        caches = self.found.caches
        best = min(caches, key=lambda name: caches[name].kl)
        near: set[str] = set()
        for name, one in caches.items():
            apart = one.divergences - caches[best].divergences
            error = float(apart.std(ddof=1) / np.sqrt(apart.size)) if apart.size > 1 else 0.0
            if float(apart.mean()) <= 2 * error:
                near.add(name)
        return near


def make(
    model: LoadedModel, asker: Asker, settings: RunSettings, part: KeptPart, text: str, new: int
) -> Counted:
    """Read the second half of a text in each way, and go on with it; on a worker thread.

    Args:
        model: A decoder.
        asker: Who waits.
        settings: How the model was asked for.
        part: The window.
        text: The text.
        new: Tokens to write.

    Raises:
        KvvizError: What the engine raises; `OptionsError` also where nothing falls out.
    """
    from kvviz.engine import judge_all, trace_generation
    from kvviz.engine.asking.frozen_positions import FrozenWindow
    from kvviz.engine.caches.window import Window

    part.check()
    ids = read_tokens(model, text, new)
    half = len(ids) // 2
    part.check_beside(half)
    size, sinks = part.rows - part.sinks, part.sinks
    ways: dict[str, Any] = {KEPT: Window(size, sinks), FROZEN: FrozenWindow(size, sinks)}
    if model.family.turn(model.module, 0, 1) is not None and not model.card.windows:
        ways[RENUMBERED] = Window(size, sinks, "renumbered")
    n_all = len(ids) - half + new
    verdicts = judge_all(
        model,
        ids,
        list(ways.values()),
        n_prompt=half,
        progress=lambda done, _all: asker.report(done, n_all),
        cancel=asker.cancelled,
    )
    trace = trace_generation(
        model,
        text,
        max_new_tokens=new,
        cache=ways[KEPT],
        progress=lambda done, _all: asker.report(len(ids) - half + done, n_all),
        cancel=asker.cancelled,
    )
    asked = RunSettings(settings.model, text, new, device=settings.device, dtype=settings.dtype)
    return Counted(
        ShownRun(asked, trace),
        Judgement(
            verdicts[0].full_losses,
            verdicts[0].full_cache_bytes,
            {
                name: OfCache(one.losses, one.divergences, one.same, one.cache_bytes)
                for name, one in zip(ways, verdicts, strict=True)
            },
        ),
        part.rows - 1,
    )
