"""What a text costs a decoder: its loss a token, a character and a byte, however long it is."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int64

from kvviz.engine.asking.scoring import log_likelihood
from kvviz.engine.models.loaded_model import LoadedModel
from kvviz.engine.running.reading import Cancel, Progress, require_decoder
from kvviz.errors import ModelFamilyError, OptionsError, PromptError
from kvviz.trace import ModelCard
from kvviz.translation import gettext as _
from kvviz.translation import ngettext

MOST_CONTEXT = 1024
"""Tokens of a window where nobody asks for more; a pass takes time and memory as their square."""


@dataclass(frozen=True, eq=False)
class TextLoss:
    """How well a model foretells a text that it did not write, token by token.

    Attributes:
        model: The model's card.
        n_tokens: Tokens of the text, without those that every prompt of the model begins with.
        positions: Tokens of it that were scored, ascending: all, but for the first one of a model
            that puts nothing before a text.
        losses: Minus log probability of each, in nats, in float64.
        n_characters: Characters that the scored tokens stand for.
        n_bytes: Bytes of these in UTF-8.
        context: Tokens of a window at most, those before the text among them.
        stride: How many tokens further each window begins.
        n_windows: How many there were.
        seconds: Measured time.
    """

    model: ModelCard
    n_tokens: int
    positions: Int64[np.ndarray, " score"]
    losses: Float64[np.ndarray, " score"]
    n_characters: int
    n_bytes: int
    context: int
    stride: int
    n_windows: int
    seconds: float

    @property
    def loss_nats(self) -> float:
        """Mean loss a scored token, in nats."""
        return float(self.losses.mean())

    @property
    def perplexity(self) -> float:
        """Its exponential: the model was as unsure as a fair draw among so many tokens.

        Source: Jelinek et al. (1977), "Perplexity: a measure of the difficulty of speech
        recognition tasks".
        """
        return math.exp(self.loss_nats)

    @property
    def bits_per_character(self) -> float | None:
        """Loss in bits a character, which no cutting into tokens changes; None without any."""
        return self._bits / self.n_characters if self.n_characters else None

    @property
    def bits_per_byte(self) -> float | None:
        """Loss in bits a byte of UTF-8, in which texts of two languages can be compared."""
        return self._bits / self.n_bytes if self.n_bytes else None

    @property
    def _bits(self) -> float:
        return float(self.losses.sum()) / math.log(2)


class Window(NamedTuple):
    """A part of a text that goes through the model at once.

    Attributes:
        begin: Its first token.
        end: The token behind it.
        scored: The first token of it that no window before it has scored.
    """

    begin: int
    end: int
    scored: int


def windows(n_tokens: int, length: int, stride: int, first: int) -> Iterator[Window]:
    """Yield the windows that score each token of a text once.

    Each begins `stride` tokens further than the one before it and scores what that one did not
    reach. So a token that the first window does not score has at least ``length - stride`` before
    it. With a stride of 1 each has all that fit; with the longest stride windows do not overlap.

    Args:
        n_tokens: Tokens of the text.
        length: Tokens of a window.
        stride: How much further each begins.
        first: First token that can be scored.

    Source: Baevski and Auli (2018), “Adaptive input representations for neural language modeling”,
    section 4.3: sliding windows that score only what has enough context.
    """
    begin, scored = 0, first
    while scored < n_tokens:
        end = min(begin + length, n_tokens)
        yield Window(begin, end, scored)
        begin, scored = begin + stride, end


def text_loss(
    model: LoadedModel,
    text: str,
    *,
    context: int | None = None,
    stride: int | None = None,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> TextLoss:
    """Score a text by a decoder, in windows where it is longer than one.

    Every window begins with the tokens that the model's prompts begin with, where there are such;
    they count as context and are not scored.

    Args:
        model: A decoder.
        text: The text.
        context: Tokens of a window; None for what the model has positions for, 1,024 at most.
        stride: How many tokens further each window begins (see `windows`); None for half of one.
        progress: Called after each window with the tokens scored and all there are.
        cancel: Asked before each window; True ends the work.

    Raises:
        ModelFamilyError: If the model is no decoder; a BERT and a T5 have no such loss.
        PromptError: If the text has no token that could be scored.
        OptionsError: If context or stride are out of their ranges.
        ModelFilesError: If the model gives logits that are not finite.
        OutOfMemoryError: If memory runs out.
        RunCancelledError: If cancelled.

    Source: the chain rule of probability; Radford et al. (2019), section 2.
    """
    _refuse_others(model)
    ids, before = model.tokenize(text), list(model.first_ids)
    first = 0 if before else 1
    if len(ids) <= first:
        raise PromptError(
            _("There is no token in this text that could be scored."),
            found=ngettext(
                "It has {n} token, and nothing stands before the first.",
                "It has {n} tokens, and nothing stands before the first.",
                len(ids),
            ).format(n=len(ids)),
            fix=_("Give a longer text."),
        )
    room = _checked_context(model, context)
    length = room - len(before)
    step = _checked_stride(stride, length - first, usual=room // 2)
    positions: list[int] = []
    losses: list[float] = []
    start, n_windows = time.perf_counter(), 0
    for window in windows(len(ids), length, step, first):
        shift = len(before) - window.begin
        scores = log_likelihood(
            model,
            [*before, *ids[window.begin : window.end]],
            positions=[place + shift for place in range(window.scored, window.end)],
            cancel=cancel,
        )
        positions.extend(range(window.scored, window.end))
        losses.extend((-scores.logprobs).tolist())
        n_windows += 1
        if progress is not None:
            progress(window.end, len(ids))
    seconds = time.perf_counter() - start
    given = 0 if before else _first_end(model, text, ids[0])
    return TextLoss(
        model=model.card,
        n_tokens=len(ids),
        positions=np.array(positions, dtype=np.int64),
        losses=np.array(losses, dtype=np.float64),
        n_characters=len(text) - given,
        n_bytes=len(text[given:].encode()),
        context=room,
        stride=step,
        n_windows=n_windows,
        seconds=seconds,
    )


def _refuse_others(model: LoadedModel) -> None:
    """Say why a BERT or a T5 has no such loss.

    Raises:
        ModelFamilyError: If it is one.
    """
    if model.card.architecture == "encoder-decoder":
        raise ModelFamilyError(
            _("A T5 writes what its input asks for, so a text by itself has no loss under it."),
            found=_("{model} is a {family}.").format(
                model=model.card.name, family=model.family.title
            ),
            fix=_("Choose a GPT-2 or a Llama."),
        )
    require_decoder(
        model,
        _(
            "A BERT guesses hidden tokens from both sides, which adds up to no probability of a "
            "text and so to no such loss."
        ),
    )


def _checked_context(model: LoadedModel, context: object) -> int:
    n_ctx, least = model.card.n_ctx, len(model.first_ids) + 2
    if context is None:
        return min(n_ctx, MOST_CONTEXT)
    if type(context) is not int or not least <= context <= n_ctx:
        raise OptionsError(
            _("A window has {least} to {most:,} tokens.").format(least=least, most=n_ctx),
            found=_("Found {found!r}.").format(found=context),
            fix=_("Choose another context."),
        )
    return context


def _checked_stride(stride: object, most: int, usual: int) -> int:
    if stride is None:
        return min(usual, most)
    if type(stride) is not int or not 1 <= stride <= most:
        raise OptionsError(
            _("A window begins 1 to {most:,} tokens further than the one before it.").format(
                most=most
            ),
            found=_("Found {found!r}.").format(found=stride),
            fix=_("Choose another stride, or a longer context."),
        )
    return stride


def _first_end(model: LoadedModel, text: str, first_id: int) -> int:
    """Return how many characters the first token stands for, which nothing foretells."""
    end = int(model.tokenize_whole(text).spans[0, 1])
    # A tokenizer of the slow kind knows no places.
    return end if end >= 0 else len(model.token_text(first_id))
