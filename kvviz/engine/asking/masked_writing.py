"""Two ways to make a BERT write, which it was not made for: [MASK] by [MASK], and over and over."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from kvviz.engine.asking.blanks import started
from kvviz.engine.models.devices import synchronise
from kvviz.engine.models.loaded_model import LoadedModel
from kvviz.engine.observing.agreement import check_layers
from kvviz.engine.observing.observation import StepObservation
from kvviz.engine.running.likely_tokens import require_finite
from kvviz.engine.running.memory import running
from kvviz.engine.running.reading import (
    FIX,
    Cancel,
    MaskedEnds,
    Progress,
    bad_option,
    checked_text,
    logits_of_hidden,
    stop_if_asked,
)
from kvviz.errors import OptionsError
from kvviz.translation import gettext as _


@dataclass(frozen=True, eq=False)
class WritingPass:
    """One forward pass of a BERT that writes, as it was seen.

    Attributes:
        fed: Token ids that went through the network, ends and masks included.
        computed: Positions whose K/V rows the projections of every layer were seen to make.
    """

    fed: Int64[np.ndarray, " position"]
    computed: Int64[np.ndarray, " row"]


@dataclass(frozen=True, eq=False)
class MaskedWriting:
    """A continuation that a BERT wrote.

    Attributes:
        token_ids: The new tokens.
        drafts: The new tokens after each sweep over them, the last draft last; one draft where
            they were written once.
        passes: The forward passes, in their order.
        seconds: Measured time, device synchronised.
    """

    token_ids: tuple[int, ...]
    drafts: tuple[tuple[int, ...], ...]
    passes: tuple[WritingPass, ...]
    seconds: float

    @property
    def n_passes(self) -> int:
        """Forward passes."""
        return len(self.passes)

    @property
    def n_rows(self) -> int:
        """Rows computed over all passes: every pass was seen to compute all of its own."""
        return sum(one.computed.size for one in self.passes)


def write_by_appending(
    model: LoadedModel,
    token_ids: Sequence[int],
    n_new: int,
    *,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> MaskedWriting:
    """Append a [MASK], fill it with the likeliest token, append the next.

    The nearest a BERT comes to writing from left to right. It sees the end of the text right
    behind the blank every time, and each pass computes every row anew.

    Args:
        model: A BERT with its head.
        token_ids: The beginning, without [CLS] and [SEP].
        n_new: Tokens to write, 1 or more.
        progress: Called after each pass with the passes done and all there are.
        cancel: Asked before each pass; True ends the work.

    Raises:
        ModelFamilyError: If the model is no BERT with a head.
        PromptError: If the beginning is empty.
        OptionsError: If `n_new` is less than 1.
        ModelFilesError: If the model gives logits that are not finite.
        ContextLengthError: If all of it does not fit into the model.
        ObservationError: If the observers of a pass disagree.
        RunCancelledError: If cancelled.
    """
    ends, ids = _begun(model, token_ids, n_new)

    def write() -> MaskedWriting:
        written: list[int] = []
        passes: list[WritingPass] = []
        start = started(model)
        for done in range(n_new):
            stop_if_asked(cancel)
            row = ends.around([*ids, *written, ends.mask])
            logits, seen = _logits(model, row, len(row) - 2)
            written.append(int(_allowed(logits, ends).argmax()))
            passes.append(seen)
            if progress is not None:
                progress(done + 1, n_new)
        synchronise(model.device)
        seconds = time.perf_counter() - start
        return MaskedWriting(tuple(written), (tuple(written),), tuple(passes), seconds)

    return running(model, write, fix=_(FIX))


def write_by_refining(
    model: LoadedModel,
    token_ids: Sequence[int],
    n_new: int,
    *,
    n_sweeps: int = 4,
    seed: int = 0,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> MaskedWriting:
    """Begin with nothing but [MASK]s and draw each token again and again, given all the others.

    Each sweep visits every place once, in a random order: the token there is hidden and a new one
    drawn from what the model expects. In the last sweep the likeliest token is taken, so that the
    text settles. This is Gibbs sampling, as if the conditionals of a BERT belonged to one
    distribution, which they do not quite.

    Args:
        model: A BERT with its head.
        token_ids: The beginning, without [CLS] and [SEP].
        n_new: Tokens to write, 1 or more.
        n_sweeps: How often each token is drawn, 1 or more.
        seed: Seed of the order and the draws.
        progress: Called after each pass with the passes done and all there are.
        cancel: Asked before each pass; True ends the work.

    Raises:
        KvvizError: As `write_by_appending`; OptionsError also if `n_sweeps` is less than 1 or the
            seed is none.

    Source: Wang and Cho (2019), "BERT has a Mouth, and It Must Speak", section 3, with the
    correction of its authors that BERT is no Markov random field.
    """
    ends, ids = _begun(model, token_ids, n_new)
    if type(seed) is not int or not 0 <= seed < 2**63:
        raise bad_option(_("A seed must be a whole number from 0 to 2^63 - 1."), seed)
    if type(n_sweeps) is not int or n_sweeps < 1:
        raise OptionsError(
            _("A text is refined in 1 sweep or more."),
            found=_("Found {found!r}.").format(found=n_sweeps),
            fix=_("Take 4."),
        )

    def write() -> MaskedWriting:
        draw = torch.Generator().manual_seed(seed)
        row = ends.around([*ids, *[ends.mask] * n_new])
        first = 1 + len(ids)
        drafts: list[tuple[int, ...]] = []
        passes: list[WritingPass] = []
        start = started(model)
        for sweep in range(n_sweeps):
            settle = sweep == n_sweeps - 1
            for offset in torch.randperm(n_new, generator=draw).tolist():
                stop_if_asked(cancel)
                row[first + offset] = ends.mask
                found, seen = _logits(model, row, first + offset)
                logits = _allowed(found, ends).cpu().double()
                row[first + offset] = int(
                    logits.argmax()
                    if settle
                    else torch.multinomial(logits.softmax(-1), 1, generator=draw)
                )
                passes.append(seen)
                if progress is not None:
                    progress(len(passes), n_sweeps * n_new)
            drafts.append(tuple(row[first : first + n_new]))
        synchronise(model.device)
        seconds = time.perf_counter() - start
        return MaskedWriting(drafts[-1], tuple(drafts), tuple(passes), seconds)

    return running(model, write, fix=_(FIX))


def _begun(
    model: LoadedModel, token_ids: Sequence[int], n_new: int
) -> tuple[MaskedEnds, list[int]]:
    """Check what both ways of writing need."""
    ends = MaskedEnds.of(model)
    if type(n_new) is not int or n_new < 1:
        raise OptionsError(
            _("A continuation has 1 token or more."),
            found=_("Found {found!r}.").format(found=n_new),
            fix=_("Ask for more."),
        )
    return ends, checked_text(model, token_ids, n_added=2 + n_new)


def _logits(model: LoadedModel, row: list[int], place: int) -> tuple[Tensor, WritingPass]:
    """Return what the model says of a place, and what was seen of the pass."""
    batch = torch.tensor([row], device=model.device)
    observation = StepObservation()
    logits = logits_of_hidden(model, batch, [0], [place], observation=observation)[0]
    require_finite(logits, logits.dtype)
    fed = range(len(row))
    check_layers(observation, model.card.n_layers, model.family.n_projections, fed)
    # All layers made as many rows as the first, or the check had said so.
    _, n_computed = observation.projected[0]
    return logits, WritingPass(np.array(row, dtype=np.int64), np.arange(n_computed))


def _allowed(logits: Tensor, ends: MaskedEnds) -> Tensor:
    """Rule out the tokens that stand around a text: they are no words to write."""
    logits = logits.clone()
    logits[[ends.before, ends.after, ends.mask]] = -torch.inf
    return logits
