"""Greedy text from fewer passes: tokens are guessed, tried together, and taken back where wrong."""

from __future__ import annotations

import time
from itertools import takewhile
from typing import Literal

import numpy as np
from jaxtyping import Int64
from torch import Tensor

from kvviz.engine.caches.full import FullRows
from kvviz.engine.models.loaded_model import LoadedModel
from kvviz.engine.models.threads import ThreadPace, thread_count, wanted_thread_count
from kvviz.engine.observing.observation import StepObservation
from kvviz.engine.running.asked_prompt import Prompt, asked_prompt
from kvviz.engine.running.drafts import Draft, Guess, draft_of
from kvviz.engine.running.forward_pass import ForwardPass, pass_with_logits
from kvviz.engine.running.generation import SMALLER, Cancel, Progress
from kvviz.engine.running.likely_tokens import require_finite
from kvviz.engine.running.memory import running
from kvviz.engine.running.prefill import pieces
from kvviz.engine.running.reading import (
    check_count,
    require_decoder,
    require_whole_sight,
    stop_if_asked,
)
from kvviz.engine.running.rows_place import rows_place
from kvviz.trace import SpeculativePass, SpeculativeTrace, forward_flops
from kvviz.translation import gettext as _

MOST_DRAFT = 32
"""Most tokens that are guessed before a pass."""


def trace_speculative(
    model: LoadedModel,
    prompt: Prompt,
    *,
    draft: Literal["lookup"] | LoadedModel = "lookup",
    n_draft: int = 4,
    max_new_tokens: int = 24,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> SpeculativeTrace:
    """Generate the greedy text with guesses, and record what every pass did.

    Before each pass a few tokens are guessed. The pass feeds the last token and all guesses, so
    that the model says at once what it would have written behind each of them. Guesses stand as
    far as they are what it would have written; of the others the rows are dropped from the cache.
    So the text is the one that it writes without, whoever guesses. Rows of a pass of several tokens
    can differ in their last digits from rows that were made one by one, so that a model for which
    two tokens are equally likely may take the other.

    Args:
        model: A decoder whose layers see the whole text.
        prompt: Text or conversation to go on from.
        draft: Who guesses: ``lookup`` takes what stood behind the last tokens when they stood in
            the text before; a model with the same tokenizer writes on.
        n_draft: Most tokens to guess before a pass, 1 to `MOST_DRAFT`.
        max_new_tokens: Most tokens to generate.
        progress: Called after each pass with the tokens there are and the most there can be.
        cancel: Asked before each pass; True ends the work.

    Raises:
        ModelFamilyError: If the model is no decoder.
        PromptError: If the prompt is empty, blank, or no text.
        OptionsError: If a setting is out of its range, rows of the model fall out of windows, or
            the model that guesses has another tokenizer.
        ContextLengthError: If prompt and new tokens do not fit into a model's positions.
        RunCancelledError: If cancelled.
        OutOfMemoryError: If memory runs out.
        ObservationError: If observers of a pass disagree.

    Source: Leviathan et al. (2023), “Fast inference from transformers via speculative decoding”,
    section 2.3, with temperature 0; Saxena (2023), “Prompt lookup decoding”.
    """
    require_decoder(
        model, _("Only a decoder writes token by token, so that tokens can be guessed.")
    )
    require_whole_sight(model, _("Rows are taken back in models whose layers see the whole text."))
    check_count(n_draft, MOST_DRAFT, _("Tokens to guess before a pass: 1 to {most}."))
    check_count(max_new_tokens, model.card.n_ctx, _("New tokens: 1 to {most:,}."))
    asked = asked_prompt(model, prompt, max_new_tokens)
    guessing = draft_of(model, draft, len(asked.ids) + max_new_tokens)

    def work() -> SpeculativeTrace:
        run = _Run(model, asked.ids, guessing, n_draft, max_new_tokens)
        while run.goes_on:
            stop_if_asked(cancel)
            run.step()
            if progress is not None:
                progress(run.n_new, max_new_tokens)
        return run.record(asked.text)

    return running(model, work, fix=_(SMALLER))


class _Run:
    """A run under way."""

    def __init__(
        self, model: LoadedModel, ids: list[int], draft: Draft, n_draft: int, n_most: int
    ) -> None:
        self._model, self._draft, self._n_draft = model, draft, n_draft
        self._ids, self._n_prompt, self._n_most = [*ids], len(ids), n_most
        self._rows = FullRows(rows_place(model, len(ids) + n_most - 1, len(ids)))
        is_fixed = model.device.type != "cpu" or wanted_thread_count() is not None
        self._pace = ThreadPace(model.n_threads, model.step_s, is_fixed=is_fixed)
        self._passes: list[SpeculativePass] = []

    @property
    def n_new(self) -> int:
        return len(self._ids) - self._n_prompt

    @property
    def goes_on(self) -> bool:
        ended = self.n_new and self._ids[-1] in self._model.stop_ids
        return self.n_new < self._n_most and not ended

    def step(self) -> None:
        guess = self._guess() if self._passes else Guess([], 0.0)
        fed = self._rows.fed(len(self._ids) + len(guess.token_ids))
        ids = [*self._ids, *guess.token_ids]
        # Guesses stand behind what is known, and the model is asked what comes after that.
        n_logits = len(guess.token_ids) + 1
        *begun, last = pieces(self._model.card, fed) if not self._passes else [fed]
        seconds, flops = 0.0, 0
        for part in begun:
            _logits, took, counted = self._feed(part, ids, 1)
            seconds, flops = seconds + took, flops + counted
        logits, took, counted = self._feed(last, ids, n_logits)
        start = time.perf_counter()
        told = logits.argmax(-1).tolist()
        require_finite(logits.logsumexp(-1), logits.dtype)
        n_right = self._n_right(told, guess.token_ids)
        self._ids += told[: n_right + 1]
        taken = self._rows.take_back(len(self._ids) - 1)
        self._passes.append(
            SpeculativePass(
                fed=_positions(fed),
                reused=_positions(range(fed.start)),
                proposed_ids=np.array(guess.token_ids, dtype=np.int64),
                taken_back=_positions(taken),
                chosen_id=self._ids[-1],
                seconds=seconds + took + time.perf_counter() - start,
                guess_seconds=guess.seconds,
                flops=flops + counted,
                guess_flops=guess.flops,
                cache_bytes=self._rows.n_bytes,
            )
        )

    def _guess(self) -> Guess:
        # A pass gives one token more than there are guesses.
        n = min(self._n_draft, self._n_most - self.n_new - 1)
        if not n:
            return Guess([], 0.0)
        found = self._draft.guess(self._ids, n)
        known = list(takewhile(lambda one: one < self._model.card.d_vocab, found.token_ids))
        return found._replace(token_ids=known)

    def _feed(self, fed: range, ids: list[int], n_logits: int) -> tuple[Tensor, float, int]:
        """Make a pass; return the logits of its last positions, its seconds and its operations."""
        observation = StepObservation()
        asked = ForwardPass(
            fed, ids[fed.start : fed.stop], self._rows.arguments(fed), observation, False
        )
        with thread_count(self._pace.n_threads):
            logits, seconds = pass_with_logits(self._model, asked, n_logits)
        if len(fed) == 1:
            self._pace.took(seconds)
        self._rows.settle(observation, fed)
        flops = forward_flops(self._model.card, len(fed), fed.stop, len(logits))
        return logits, seconds, flops

    def _n_right(self, told: list[int], guessed: list[int]) -> int:
        """Return how many guesses are what the model says, up to one that ends the text."""
        right = takewhile(
            lambda pair: pair[0] == pair[1] and pair[0] not in self._model.stop_ids,
            zip(told, guessed, strict=False),
        )
        return len(list(right))

    def record(self, prompt: str) -> SpeculativeTrace:
        final, model = self._rows.final(), self._model
        named = {
            token_id
            for one in self._passes
            for token_id in (*one.proposed_ids.tolist(), one.chosen_id)
        }
        return SpeculativeTrace(
            model=model.card,
            draft=self._draft.name,
            n_draft=self._n_draft,
            prompt=prompt,
            token_ids=np.array(self._ids, dtype=np.int64),
            tokens=[model.token_text(token_id) for token_id in self._ids],
            n_prompt=self._n_prompt,
            passes=self._passes,
            written_fingerprints=final.written_fingerprints,
            final_fingerprints=final.final_fingerprints,
            vocabulary={token_id: model.token_text(token_id) for token_id in named},
        )


def _positions(positions: range) -> Int64[np.ndarray, " n"]:
    return np.arange(positions.start, positions.stop)
