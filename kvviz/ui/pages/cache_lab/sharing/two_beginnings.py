"""Two texts, one run each, and the second once more beginning with the rows of the first."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float64

from kvviz.errors import ContextLengthError
from kvviz.translation import gettext as _
from kvviz.ui.pages.cache_lab.bench import MOST_TOKENS
from kvviz.ui.pages.cache_lab.sharing.two_texts import CutText, TwoTexts
from kvviz.ui.work.equal_work import Asker
from kvviz.ui.work.run_settings import RunSettings
from kvviz.ui.work.shown_run import ShownRun

if TYPE_CHECKING:
    from kvviz.engine import LoadedModel
    from kvviz.trace import GenerationTrace

N_TIMINGS = 5
"""How often each prefill is made to time it; the least time counts."""
FAR_BEYOND_ROUNDING = 1e-3
"""Of a layer's largest number, by which a row must differ to be called another: rounding in float32
is a ten thousandth of that."""


@dataclass(frozen=True, eq=False)
class TwoBeginnings:
    """What came of two texts.

    Attributes:
        first: The run of the first text.
        shown: The run of the second that begins with the rows of the first, as the player shows it.
        alone: The run of the second that computes every row.
        seconds: Time of the prefill, with the rows of the first and alone; the least of several.
    """

    first: GenerationTrace
    shown: ShownRun
    alone: GenerationTrace
    seconds: tuple[float, float]

    @property
    def second(self) -> GenerationTrace:
        """The run that begins with the rows of the first text."""
        return self.shown.trace

    @property
    def n_shared(self) -> int:
        """Rows that it took over."""
        return self.second.options.n_shared

    @cached_property
    def texts(self) -> TwoTexts:
        """Both prompts, token by token."""
        return TwoTexts(CutText.read(self.first), CutText.read(self.second))

    @cached_property
    def changes_behind(self) -> Float64[np.ndarray, " layer"]:
        """How far keys and values at `texts.same_behind` differ at most, layer by layer.

        As a share of the layer's largest number; 0 where there is no such place.
        """
        places = [*self.texts.same_behind]
        if not places:
            return np.zeros(self.alone.model.n_layers)
        worst = np.zeros(self.alone.model.n_layers)
        for name in ("all_keys", "all_values"):
            one, other = getattr(self.first, name), getattr(self.alone, name)
            by = np.abs(one[:, :, places].astype(np.float64) - other[:, :, places])
            most = np.abs(other).max(axis=(1, 2, 3))
            worst = np.maximum(worst, by.max(axis=(1, 2, 3)) / most)
        return worst

    @property
    def n_same_tokens(self) -> int:
        """New tokens up to the first that both runs of the second text chose differently."""
        n = self.second.n_prompt
        differ = self.second.token_ids[n:] != self.alone.token_ids[n:]
        return int(differ.argmax()) if differ.any() else len(self.second.steps)


def make(
    model: LoadedModel, asker: Asker, settings: RunSettings, text: str, other: str, new: int
) -> TwoBeginnings:
    """Run both texts; for use on a worker thread.

    Args:
        model: A decoder.
        asker: Who waits for it.
        settings: How the model was asked for.
        text: The first text.
        other: The second.
        new: Tokens to write behind the second.

    Raises:
        KvvizError: What the engine raises, `ContextLengthError` also where a text is too long to be
            read here.
    """
    from kvviz.engine import trace_generation

    for one in (text, other):
        check_length(model, one)
    n_all = 2 * new + 2 * N_TIMINGS

    def run(
        prompt: str, n_new: int, n_done: int, prefix: GenerationTrace | None = None
    ) -> GenerationTrace:
        return trace_generation(
            model,
            prompt,
            max_new_tokens=n_new,
            prefix=prefix,
            progress=lambda done, _n: asker.report(n_done + done, n_all),
            cancel=asker.cancelled,
        )

    first = run(text, 1, 0)
    shared, alone = run(other, new, 0, first), run(other, new, new)
    least = [shared.steps[0].seconds, alone.steps[0].seconds]
    for number in range(N_TIMINGS):
        # In turns, so that a busy moment falls on both.
        for way, prefix in enumerate((first, None)):
            again = run(other, 1, 2 * (new + number) + way, prefix)
            least[way] = min(least[way], again.steps[0].seconds)
    asked = RunSettings(settings.model, other, new, device=settings.device, dtype=settings.dtype)
    return TwoBeginnings(first, ShownRun(asked, shared), alone, (least[0], least[1]))


def check_length(model: LoadedModel, text: str) -> None:
    """Refuse a text that is too long for the page.

    Raises:
        ContextLengthError: If it is.
    """
    n = len(model.tokenize(text)) if text.strip() else 0
    if n > MOST_TOKENS:
        raise ContextLengthError(
            _("This text is too long for two runs side by side here."),
            found=_("It has {n:,} tokens, and {most:,} are the most.").format(
                n=n, most=MOST_TOKENS
            ),
            fix=_("Take a part of it."),
        )
