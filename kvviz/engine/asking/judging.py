"""What a way of keeping rows costs: how well a text that somebody else wrote is foretold by it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Float64, Int64
from torch import Tensor

from kvviz.engine.caches.choice import chosen_cache
from kvviz.engine.caches.full import Full
from kvviz.engine.caches.protocol import KVCache, Rows
from kvviz.engine.models.loaded_model import LoadedModel
from kvviz.engine.observing.observation import StepObservation
from kvviz.engine.running.cache_fit import check_cache, is_read_in_pieces
from kvviz.engine.running.forward_pass import ForwardPass, pass_alone
from kvviz.engine.running.likely_tokens import require_finite
from kvviz.engine.running.memory import running
from kvviz.engine.running.prefill import pieces
from kvviz.engine.running.reading import (
    FIX,
    Cancel,
    Progress,
    checked_text,
    require_decoder,
    stop_if_asked,
)
from kvviz.engine.running.rows_place import rows_place
from kvviz.errors import OptionsError
from kvviz.translation import gettext as _
from kvviz.translation import ngettext

_BLOCK = 32
"""Steps whose logits are compared at once, and held until then."""


@dataclass(frozen=True, eq=False)
class CacheVerdict:
    """How a text is foretold with one way of keeping rows, and with every row kept.

    Losses are minus log probabilities of the tokens that stand in the text, in nats, in float64.

    Attributes:
        cache: The way of keeping rows.
        positions: The tokens that were scored, as positions of the text.
        losses: Loss of each with the rows that are kept.
        full_losses: Loss of each with every row kept.
        divergences: Kullback-Leibler divergence of the distribution with kept rows from that with
            every row, at each of them, in nats.
        same: Whether both name the same token as the likeliest.
        cache_bytes: Measured bytes of the tensors that hold the rows after the last token.
        full_cache_bytes: The same where every row is kept.
        seconds: Measured time of all passes with the rows that are kept, device synchronised.
    """

    cache: KVCache
    positions: Int64[np.ndarray, " score"]
    losses: Float64[np.ndarray, " score"]
    full_losses: Float64[np.ndarray, " score"]
    divergences: Float64[np.ndarray, " score"]
    same: Bool[np.ndarray, " score"]
    cache_bytes: int
    full_cache_bytes: int
    seconds: float

    @property
    def loss_nats(self) -> float:
        """Mean loss a token, in nats."""
        return float(self.losses.mean())

    @property
    def full_loss_nats(self) -> float:
        """Mean loss a token with every row kept, in nats."""
        return float(self.full_losses.mean())

    @property
    def kl_nats(self) -> float:
        """Mean divergence a token, in nats."""
        return float(self.divergences.mean())

    @property
    def same_argmax(self) -> float:
        """Share of the tokens at which the likeliest one is the same, in [0, 1]."""
        return float(self.same.mean())


def judge(
    model: LoadedModel,
    text: str | Sequence[int],
    cache: KVCache,
    *,
    n_prompt: int = 1,
    first: int | None = None,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> CacheVerdict:
    """Judge a way of keeping rows by a text that the model did not write; see `judge_all`."""
    return judge_all(
        model, text, [cache], n_prompt=n_prompt, first=first, progress=progress, cancel=cancel
    )[0]


def judge_all(
    model: LoadedModel,
    text: str | Sequence[int],
    caches: Sequence[KVCache],
    *,
    n_prompt: int = 1,
    first: int | None = None,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> list[CacheVerdict]:
    """Judge several ways of keeping rows by one text, beside keeping every row.

    Token by token the text goes through the model, whatever the model would have said (teacher
    forcing), with the rows that each way keeps: so a budget holds at every query, and bytes and
    rows are real. The observers watch each pass as they do when the model writes.

    Args:
        model: A decoder.
        text: The text, or its tokens; a text gets what the model's prompts begin with before it.
        caches: What to judge.
        n_prompt: How many tokens are read at once before the first that is scored. A rule that goes
            by the prompt has nothing to go by in one.
        first: Position of the first token that is scored; that after the prompt if None.
        progress: Called after each token with how many are done and how many there are.
        cancel: Asked before each token; True ends the work.

    Returns:
        A verdict on each, in their order.

    Raises:
        ModelFamilyError: If the model is no decoder.
        PromptError: If the text is empty, or no text.
        OptionsError: If a cache is none or suits another model, or a number is out of its range.
        ContextLengthError: If the text does not fit into the model.
        ModelFilesError: If the model gives logits that are not finite.
        OutOfMemoryError: If memory runs out.
        ObservationError: If observers of a pass disagree.
        RunCancelledError: If cancelled.
    """
    require_decoder(model, _("Only a decoder has rows that a cache keeps for later."))
    chosen = [chosen_cache(cache, True) for cache in caches]
    for cache in chosen:
        check_cache(model, cache)
    ids = [*model.first_ids, *model.tokenize(text)] if isinstance(text, str) else text
    ids = checked_text(model, ids, n_added=0)
    start = n_prompt if first is None else first
    _check_numbers(len(ids), n_prompt, start)

    def work() -> list[CacheVerdict]:
        readers = [_Reader(model, cache, ids, n_prompt) for cache in (Full(), *chosen)]
        scores = [_Scores(ids) for _cache in chosen]
        for number in range(n_prompt, len(ids)):
            stop_if_asked(cancel)
            logits = [reader.read_up_to(number) for reader in readers]
            if number >= start:
                for score, own in zip(scores, logits[1:], strict=True):
                    score.add(number, logits[0], own)
            if progress is not None:
                progress(number + 1 - n_prompt, len(ids) - n_prompt)
        full, *others = readers
        for reader in readers:
            reader.prove()
        return [score.verdict(reader, full) for score, reader in zip(scores, others, strict=True)]

    return running(model, work, fix=_(FIX))


def _check_numbers(n_tokens: int, n_prompt: object, first: object) -> None:
    if type(n_prompt) is not int or not 1 <= n_prompt < n_tokens:
        raise OptionsError(
            ngettext(
                "Of a text of {n:,} token a prompt is 1 or more, and leaves at least one.",
                "Of a text of {n:,} tokens a prompt is 1 or more, and leaves at least one.",
                n_tokens,
            ).format(n=n_tokens),
            found=_("Found {found!r}.").format(found=n_prompt)[:200],
            fix=_("Choose another number, or take a longer text."),
        )
    if type(first) is not int or not n_prompt <= first < n_tokens:
        raise OptionsError(
            _("The first token that is scored stands at a position from {first} to {last}.").format(
                first=n_prompt, last=n_tokens - 1
            ),
            found=_("Found {found!r}.").format(found=first)[:200],
            fix=_("Choose another number, or take a longer text."),
        )


class _Reader:
    """Reads a text with one way of keeping rows, up to one token after the other."""

    def __init__(self, model: LoadedModel, cache: KVCache, ids: list[int], n_prompt: int) -> None:
        self.cache = cache
        self.seconds = 0.0
        self.cache_bytes = 0
        self._model, self._ids = model, ids
        self._rows: Rows = cache.rows(rows_place(model, len(ids) - 1, n_prompt))

    def read_up_to(self, number: int) -> Tensor:
        """Feed what stands before a position; return what the model says of it, shape ``vocab``."""
        fed, logits = self._rows.fed(number), None
        in_pieces = is_read_in_pieces(self.cache)
        for part in pieces(self._model.card, fed) if in_pieces else [fed]:
            observation = StepObservation()
            made = pass_alone(
                self._model,
                ForwardPass(
                    part,
                    self._ids[part.start : part.stop],
                    self._rows.arguments(part),
                    observation,
                    False,
                ),
            )
            self.seconds += made.seconds
            self.cache_bytes = self._rows.settle(observation, part).cache_bytes
            logits = made.logits
        assert logits is not None
        return logits

    def prove(self) -> None:
        """Hold every row to the fingerprint it was written with."""
        self._rows.final()


class _Scores:
    """What is found of one way of keeping rows, a block of tokens at a time."""

    def __init__(self, ids: list[int]) -> None:
        self._ids = ids
        self._waiting: list[tuple[int, Tensor, Tensor]] = []
        self._positions: list[int] = []
        self._found: list[Tensor] = []

    def add(self, position: int, full: Tensor, own: Tensor) -> None:
        self._waiting.append((position, full, own))
        if len(self._waiting) == _BLOCK:
            self._work()

    def _work(self) -> None:
        """Compare the logits that wait.

        Source: Kullback and Leibler (1951), “On information and sufficiency”, section 2.
        """
        positions = [position for position, _full, _own in self._waiting]
        full = _log_probs([one for _position, one, _own in self._waiting])
        own = _log_probs([one for _position, _full, one in self._waiting])
        wanted = torch.tensor([self._ids[position] for position in positions])[:, None]
        divergences = (full.exp() * (full - own)).sum(-1)
        same = (full.argmax(-1) == own.argmax(-1)).double()
        losses = [-rows.gather(-1, wanted)[:, 0] for rows in (own, full)]
        # A divergence of nothing may be rounded to less.
        found = torch.stack([*losses, divergences.clamp(min=0), same])
        require_finite(found, torch.float64)
        self._positions += positions
        self._found.append(found)
        self._waiting = []

    def verdict(self, reader: _Reader, full: _Reader) -> CacheVerdict:
        if self._waiting:
            self._work()
        losses, full_losses, divergences, same = torch.cat(self._found, dim=-1).numpy()
        return CacheVerdict(
            cache=reader.cache,
            positions=np.array(self._positions, dtype=np.int64),
            losses=losses,
            full_losses=full_losses,
            divergences=divergences,
            same=same > 0,
            cache_bytes=reader.cache_bytes,
            full_cache_bytes=full.cache_bytes,
            seconds=reader.seconds,
        )


def _log_probs(logits: list[Tensor]) -> Float[Tensor, "score vocab"]:
    """Return log probabilities in float64, a row for each of the logits."""
    return torch.stack(logits).cpu().double().log_softmax(-1)
