"""A text that is read with rows in fewer numbers, and held-out stories in several."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float64

from kvviz.ui.pages.cache_lab.bench import read_tokens
from kvviz.ui.pages.cache_lab.judgement import Judgement
from kvviz.ui.pages.cache_lab.shares import rank_of, words
from kvviz.ui.pages.cache_lab.story_losses import judgements_of_stories
from kvviz.ui.work.equal_work import Asker
from kvviz.ui.work.run_settings import RunSettings
from kvviz.ui.work.shown_run import ShownRun

if TYPE_CHECKING:
    from kvviz.engine import LoadedModel
    from kvviz.trace import GenerationTrace


@dataclass(frozen=True, eq=False)
class LatentRun:
    """What came of a text, and of a held-out story.

    Attributes:
        shown: The run that reads the text with one latent row a layer, as the player shows it.
        width: Numbers of the keys and values of a position in a layer.
        off: Weight that each head puts elsewhere than with every number, a mean over the queries
            that read packed rows; in [0, 1].
        story: What that rank costs on the story, in one latent row and with keys and values apart,
            by the words that the engine reads.
        n_read: Tokens of the story; the second half was scored.
    """

    shown: ShownRun
    width: int
    off: Float64[np.ndarray, "layer head"]
    story: Judgement
    n_read: int

    def rank(self, sixteenths: int) -> int:
        """Return how many numbers such a share is."""
        return rank_of(self.width, sixteenths)


def make(
    model: LoadedModel,
    asker: Asker,
    settings: RunSettings,
    text: str,
    sixteenths: int,
    n_read: int,
) -> LatentRun:
    """Read a text and a story with fewer numbers; for use on a worker thread.

    Args:
        model: A decoder that does not turn its keys.
        asker: Who waits.
        settings: How the model was asked for.
        text: The text.
        sixteenths: The share that the text is read with.
        n_read: Tokens of the story.

    Raises:
        KvvizError: What the engine raises; `OptionsError` where the model turns its keys.
    """
    from kvviz.engine import trace_generation
    from kvviz.engine.caches.cache_words import cache_of

    n = len(read_tokens(model, text, 1))
    width = 2 * model.card.n_kv_heads * model.card.d_head
    n_done, n_all = 0, 2 * n + n_read
    runs: list[GenerationTrace] = []
    for way in (words(width, sixteenths)[0], "full"):
        runs.append(
            trace_generation(
                model,
                text,
                first=1,
                max_new_tokens=1,
                cache=cache_of(way),
                progress=lambda done, _all, before=n_done: asker.report(before + done, n_all),
                cancel=asker.cancelled,
            )
        )
        n_done += n
    own, full = runs
    (story,) = judgements_of_stories(
        model,
        words(width, sixteenths),
        n_read=n_read,
        n_stories=1,
        progress=lambda done, all_: asker.report(n_done + done * n_read // all_, n_all),
        cancel=asker.cancelled,
    )
    off = np.array(
        [
            [
                # Half of all differences: what is too much at one row is missing at another.
                np.nansum(np.abs(own.pattern(layer, head) - full.pattern(layer, head)), axis=1)[
                    1:
                ].mean()
                / 2
                for head in range(own.model.n_heads)
            ]
            for layer in range(own.model.n_layers)
        ],
        dtype=np.float64,
    )
    asked = RunSettings(settings.model, text, 1, device=settings.device, dtype=settings.dtype)
    return LatentRun(ShownRun(asked, own), width, off, story, n_read)
