"""How likely a model finds a text: left to right for a decoder, place by place for a BERT."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor

from kvviz.engine.models.devices import synchronise
from kvviz.engine.models.loaded_model import LoadedModel
from kvviz.engine.running.likely_tokens import require_finite
from kvviz.engine.running.memory import running
from kvviz.engine.running.reading import (
    FIX,
    Cancel,
    MaskChoice,
    MaskedEnds,
    Progress,
    check_windows,
    checked_mask,
    checked_places,
    checked_text,
    logits_of_hidden,
    mask_for,
    require_decoder,
    stop_if_asked,
)
from kvviz.translation import gettext as _

LOGITS_AT_ONCE = 16_000_000
"""Numbers of one batch's logits: 64 MB in float32. A larger batch is not faster on a CPU."""


@dataclass(frozen=True, eq=False)
class TokenScores:
    """Log probabilities of the tokens of a text.

    Attributes:
        positions: The tokens that were scored, as positions of the text.
        logprobs: Their log probabilities in nats, in float64.
        n_passes: Texts that went through the network, those of a batch counted one by one.
        n_rows: Tokens that went through it, over all passes.
        seconds: Measured time, device synchronised.
    """

    positions: Int64[np.ndarray, " score"]
    logprobs: Float64[np.ndarray, " score"]
    n_passes: int
    n_rows: int
    seconds: float

    @property
    def total(self) -> float:
        """The sum, in nats."""
        return float(self.logprobs.sum())

    @property
    def mean(self) -> float:
        """The mean, in nats a token; NaN if nothing was scored."""
        return float(self.logprobs.mean()) if self.logprobs.size else float("nan")


def log_likelihood(
    model: LoadedModel,
    token_ids: Sequence[int],
    *,
    positions: Sequence[int] | None = None,
    mask: MaskChoice = "model",
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> TokenScores:
    """Score each token of a text by what stands before it, and by nothing else.

    Under the causal mask one pass over the text scores all tokens. Under the other one a token
    would see the very one that it is asked for, and heads that copy would do so; there each token
    has a pass of its own, over what stands before it.

    Args:
        model: A decoder, such as a GPT-2.
        token_ids: The text; where the model's prompts begin with a token, with that before it.
        positions: Which tokens to score; all but the first if None, which has nothing before it.
        mask: ``model`` or ``causal``; or ``bidirectional`` to see what becomes of the predictions.
        progress: Called after each pass with the tokens scored and all there are.
        cancel: Asked before each pass; True ends the work.

    Raises:
        ModelFamilyError: If the model is no decoder.
        PromptError: If the text is empty.
        OptionsError: If a position is not in the text, or the first; or the mask is unknown; or it
            is not the model's own and a layer's window is shorter than the text.
        ModelFilesError: If the model gives logits that are not finite.
        ContextLengthError: If the text does not fit into the model.
        RunCancelledError: If cancelled.

    Source: the chain rule of probability; Radford et al. (2019), section 2.
    """
    require_decoder(model, _("Only a decoder is scored from left to right."))
    ids = checked_text(model, token_ids, n_added=0)
    places = checked_places(ids, positions, first=1)
    used = checked_mask(model.card, mask)

    if used == "bidirectional":
        check_windows(model.card, len(ids))

    # What one pass is fed, and which of its rows are asked.
    passes = [(ids, [place - 1 for place in places])]
    if used == "bidirectional":
        passes = [(ids[:place], [place - 1]) for place in places]

    def score() -> TokenScores:
        numbers: list[float] = []
        synchronise(model.device)
        start = time.perf_counter()
        for fed, rows in passes:
            stop_if_asked(cancel)
            batch = torch.tensor([fed], device=model.device)
            # Its own mask a model makes by itself, and knows which layers have a window.
            attention = None if used == "causal" else mask_for(model, len(fed), used)
            asked = torch.tensor(rows, dtype=torch.int64, device=model.device)
            logits = model.module(
                batch, attention_mask=attention, use_cache=False, logits_to_keep=asked
            ).logits[0]
            wanted = torch.tensor([ids[row + 1] for row in rows], dtype=torch.int64)
            numbers.extend(_log_probs(logits, wanted))
            if progress is not None:
                progress(len(numbers), len(places))
        seconds = time.perf_counter() - start
        return TokenScores(
            np.array(places, dtype=np.int64),
            np.array(numbers, dtype=np.float64),
            len(passes),
            sum(len(fed) for fed, _rows in passes),
            seconds,
        )

    return running(model, score, fix=_(FIX), rows_at_once=len(ids))


def pseudo_log_likelihood(
    model: LoadedModel,
    token_ids: Sequence[int],
    *,
    positions: Sequence[int] | None = None,
    mask: MaskChoice = "model",
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> TokenScores:
    """Score each token of a text by all others: hide it, and ask what stands there.

    The sum is no probability of the text, since the tokens are not scored one after the other; so
    it can be compared with that of another text, and not with what a GPT-2 says.

    Args:
        model: A BERT with its head.
        token_ids: The text, without [CLS] and [SEP].
        positions: Which tokens to score; all if None.
        mask: ``model`` or ``bidirectional``; or ``causal`` to see what becomes of the predictions.
        progress: Called with the tokens scored and all there are.
        cancel: Asked between batches; True ends the work.

    Raises:
        ModelFamilyError: If the model is no BERT with a head.
        PromptError: If the text is empty.
        OptionsError: If a position is not in the text, or the mask is unknown.
        ModelFilesError: If the model gives logits that are not finite.
        ContextLengthError: If the text and its two ends do not fit into the model.
        RunCancelledError: If cancelled.

    Source: Salazar et al. (2020), "Masked Language Model Scoring", section 2.1.
    """
    ends = MaskedEnds.of(model)
    ids = checked_text(model, token_ids, n_added=2)
    places = checked_places(ids, positions, first=0)
    used = checked_mask(model.card, mask)
    row = ends.around(ids)
    n_at_once = max(1, LOGITS_AT_ONCE // (len(row) * model.card.d_vocab))

    def score() -> TokenScores:
        numbers: list[float] = []
        synchronise(model.device)
        start = time.perf_counter()
        shown = torch.tensor(row, device=model.device)
        attention = mask_for(model, len(row), used)
        for part in in_parts(places, n_at_once):
            stop_if_asked(cancel)
            batch = shown.repeat(len(part), 1)
            lines = torch.arange(len(part), device=model.device)
            columns = torch.tensor(part, device=model.device) + 1
            batch[lines, columns] = ends.mask
            logits = logits_of_hidden(model, batch, lines, columns, attention)
            numbers.extend(_log_probs(logits, shown[columns].cpu()))
            if progress is not None:
                progress(len(numbers), len(places))
        seconds = time.perf_counter() - start
        return TokenScores(
            np.array(places, dtype=np.int64),
            np.array(numbers, dtype=np.float64),
            len(places),
            len(places) * len(row),
            seconds,
        )

    return running(model, score, fix=_(FIX), rows_at_once=n_at_once * len(row))


def _log_probs(
    logits: Float[Tensor, "place vocab"], wanted: Int64[Tensor, " place"]
) -> list[float]:
    """Return the log probability of the wanted token of each place.

    Raises:
        ModelFilesError: If the logits are not finite.
    """
    numbers: list[float] = []
    # In parts: in float64, and twice, the logits of a large vocabulary would fill the memory.
    n_at_once = max(1, LOGITS_AT_ONCE // logits.shape[-1])
    for rows, ids in zip(logits.split(n_at_once), wanted.split(n_at_once), strict=True):
        found = rows.cpu().double().log_softmax(-1).gather(-1, ids[:, None])[:, 0]
        require_finite(found, logits.dtype)
        numbers.extend(found.tolist())
    return numbers


def in_parts(places: Sequence[int], size: int) -> Iterator[list[int]]:
    """Yield the places in parts of at most this size."""
    for start in range(0, len(places), size):
        yield list(places[start : start + size])
