"""Several likely texts go on at once: a beam search whose beams share their rows in blocks."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from jaxtyping import Int64

from kvviz.engine.caches.paged import Paged, PagedRows
from kvviz.engine.models.device_memory import free_bytes
from kvviz.engine.models.loaded_model import LoadedModel
from kvviz.engine.observing.observation import StepObservation
from kvviz.engine.running.asked_prompt import Prompt, asked_prompt
from kvviz.engine.running.forward_pass import ForwardPass, pass_together
from kvviz.engine.running.generation import SMALLER, Cancel, Progress
from kvviz.engine.running.likely_tokens import require_finite
from kvviz.engine.running.memory import running
from kvviz.engine.running.reading import (
    check_count,
    require_decoder,
    require_whole_sight,
    stop_if_asked,
)
from kvviz.engine.running.rows_place import rows_place
from kvviz.errors import OutOfMemoryError
from kvviz.published.catalogue import megabytes
from kvviz.trace import BeamStep, BeamTrace, Hypothesis, forward_flops
from kvviz.translation import gettext as _

MOST_BEAMS = 16
"""Most beams of a search."""


def trace_beams(
    model: LoadedModel,
    prompt: Prompt,
    *,
    n_beams: int = 4,
    max_new_tokens: int = 24,
    block: int = 16,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> BeamTrace:
    """Go on with the likeliest texts at once, and record what every pass did.

    After each pass the likeliest continuations of all beams go on, as many as there are beams. A
    beam from which several go on is shared by them: its rows lie in blocks of a pool, and nobody
    copies one but who writes where others read. A text that ends is held to the others by the mean
    log probability of its tokens; the search ends when no beam can become likelier than those that
    were found, or with the last token that was asked for.

    Args:
        model: A decoder whose layers see the whole text.
        prompt: Text or conversation to go on from.
        n_beams: How many texts go on together, 1 to `MOST_BEAMS`; one alone is greedy.
        max_new_tokens: Most tokens to generate.
        block: Positions of a block of rows, at least 1.
        progress: Called after each pass with how many are done and the most there can be.
        cancel: Asked before each pass; True ends the work.

    Raises:
        ModelFamilyError: If the model is no decoder.
        PromptError: If the prompt is empty, blank, or no text.
        OptionsError: If a setting is out of its range, or rows of the model fall out of windows.
        ContextLengthError: If prompt and new tokens do not fit into the model's positions.
        OutOfMemoryError: If beams and rows do not fit into memory.
        RunCancelledError: If cancelled.
        ObservationError: If observers of a pass disagree.

    Source: Lowerre (1976), “The Harpy speech recognition system”, for the search; Wu et al. (2016),
    “Google's neural machine translation system”, section 7, for comparing texts by their length;
    Kwon et al. (2023), “PagedAttention”, section 4.4, for beams that share blocks.
    """
    require_decoder(model, _("Only a decoder writes token by token, with several beams or one."))
    require_whole_sight(model, _("Beams share the rows of models whose layers see the whole text."))
    check_count(n_beams, MOST_BEAMS, _("Beams: 1 to {most}."))
    check_count(max_new_tokens, model.card.n_ctx, _("New tokens: 1 to {most:,}."))
    cache = Paged(block)
    asked = asked_prompt(model, prompt, max_new_tokens)
    n_positions = len(asked.ids) + max_new_tokens - 1
    _check_room(model, n_beams, n_positions)

    def work() -> BeamTrace:
        search = _Search(model, cache, asked.ids, n_beams, max_new_tokens)
        while search.goes_on:
            stop_if_asked(cancel)
            search.step()
            if progress is not None:
                progress(len(search.steps), max_new_tokens)
        return search.record(asked.text)

    return running(model, work, fix=_(SMALLER))


def _check_room(model: LoadedModel, n_beams: int, n_positions: int) -> None:
    """Refuse beams whose rows do not fit into memory, were each to have all of its own.

    Raises:
        OutOfMemoryError: If so.
    """
    needed = n_beams * n_positions * model.card.cache_bytes_per_token
    free = free_bytes(model.device)
    if free is not None and needed > free:
        raise OutOfMemoryError(
            _("The rows of so many beams do not fit into the memory of {device}.").format(
                device=model.card.device
            ),
            found=_("They may take {size}, and {free} are free.").format(
                size=megabytes(needed), free=megabytes(free)
            ),
            fix=_("Take fewer beams, or ask for fewer new tokens."),
        )


@dataclass(frozen=True, eq=False)
class _Beam:
    """A text under way, with the rows of its tokens but the last."""

    ids: list[int]
    score: float
    rows: PagedRows
    path: tuple[int, ...]


class _Search:
    """A search under way."""

    def __init__(
        self, model: LoadedModel, cache: Paged, ids: list[int], n_beams: int, n_most: int
    ) -> None:
        self._model, self._block = model, cache.block
        self._n_prompt, self._n_beams, self._n_most = len(ids), n_beams, n_most
        self._place = rows_place(model, len(ids) + n_most - 1, len(ids))
        rows = cache.rows(self._place)
        self._pools = [table.pool for table in rows.tables]
        self._running = [_Beam([*ids], 0.0, rows, ())]
        self._last = self._running
        self._found: list[Hypothesis] = []
        self.steps: list[BeamStep] = []

    @property
    def goes_on(self) -> bool:
        """Whether a beam can still become one of the likeliest texts."""
        if not self._running:
            return False
        n_new = len(self._running[0].ids) - self._n_prompt
        if len(self._found) < self._n_beams or not n_new:
            return True
        return self._running[0].score / n_new > self._found[-1].score

    def step(self) -> None:
        """Make a pass of all beams, and choose how they go on."""
        beams, card = self._running, self._model.card
        fed = beams[0].rows.fed(len(beams[0].ids))
        n_copies = sum(pool.n_copies for pool in self._pools)
        asked = [
            ForwardPass(
                fed,
                beam.ids[fed.start : fed.stop],
                beam.rows.arguments(fed),
                StepObservation(),
                True,
            )
            for beam in beams
        ]
        made = pass_together(self._model, asked)
        for beam, one in zip(beams, asked, strict=True):
            beam.rows.settle(one.observation, fed)
        n_holders = np.stack([self._holders(beam.rows, fed.stop) for beam in beams])
        n_copied = sum(pool.n_copies for pool in self._pools) - n_copies
        n_bytes = sum(pool.n_bytes for pool in self._pools)
        start = time.perf_counter()
        likely = torch.stack([one.logits for one in made]).cpu().double().log_softmax(-1)
        require_finite(likely, self._model.dtype)
        before = torch.tensor([[beam.score] for beam in beams], dtype=likely.dtype)
        chosen = self._choose(likely + before)
        seconds = made[0].seconds + time.perf_counter() - start
        self._running = self._went_on(chosen)
        flops = len(beams) * forward_flops(card, len(fed), fed.stop, made[0].n_logits)
        self.steps.append(
            BeamStep(
                fed=np.arange(fed.start, fed.stop),
                n_holders=n_holders,
                parents=np.array([parent for parent, _id, _score in chosen], dtype=np.int64),
                token_ids=np.array(
                    [token_id for _from, token_id, _score in chosen], dtype=np.int64
                ),
                scores=np.array([score for _from, _id, score in chosen], dtype=np.float64),
                n_copied=n_copied,
                cache_bytes=n_bytes,
                alone_bytes=len(beams) * fed.stop * card.cache_bytes_per_token,
                seconds=seconds,
                flops=flops,
            )
        )

    def _choose(self, scores: torch.Tensor) -> list[tuple[int, int, float]]:
        """Return parent, token and score of each beam that goes on; take in texts that end."""
        stops, d_vocab = self._model.stop_ids, scores.shape[-1]
        n_new = len(self._running[0].ids) - self._n_prompt + 1
        # So many that enough are left if every token that ends a text comes first in each beam.
        n = min(max(2, 1 + len(stops)) * self._n_beams, scores.numel())
        best, where = scores.flatten().topk(n)
        candidates = [
            (*divmod(at, d_vocab), score)
            for at, score in zip(where.tolist(), best.tolist(), strict=True)
        ]
        is_last = n_new == self._n_most
        for parent, token_id, score in candidates[: self._n_beams]:
            if token_id in stops or is_last:
                beam = self._running[parent]
                ids = np.array([*beam.ids, token_id], dtype=np.int64)
                self._found.append(Hypothesis(ids, score / n_new, (*beam.path, parent)))
        self._found = sorted(self._found, key=lambda one: -one.score)[: self._n_beams]
        going = (one for one in candidates if one[1] not in stops)
        return [] if is_last else list(islice(going, self._n_beams))

    def _went_on(self, chosen: Sequence[tuple[int, int, float]]) -> list[_Beam]:
        """Let each parent's rows go on with its first child, and be shared by its others."""
        if not chosen:
            # Nobody goes on, and the rows stay to be proven.
            self._last = self._running
            return []
        gone_on: list[_Beam] = []
        taken: set[int] = set()
        for parent, token_id, score in chosen:
            beam = self._running[parent]
            rows = beam.rows
            if parent in taken:
                rows = rows.fork(self._place, len(beam.ids))
            taken.add(parent)
            gone_on.append(_Beam([*beam.ids, token_id], score, rows, (*beam.path, parent)))
        for number, beam in enumerate(self._running):
            if number not in taken:
                beam.rows.give_back()
        self._last = gone_on
        return gone_on

    def _holders(self, rows: PagedRows, n_rows: int) -> Int64[np.ndarray, " row"]:
        """Return how many beams hold the block of each row."""
        (table,) = rows.tables
        users = [table.pool.n_users(number) for number in table.blocks]
        return np.repeat(np.array(users, dtype=np.int64), self._block)[:n_rows]

    def record(self, prompt: str) -> BeamTrace:
        finals = [beam.rows.final() for beam in self._last]
        return BeamTrace(
            model=self._model.card,
            prompt=prompt,
            n_prompt=self._n_prompt,
            n_beams=self._n_beams,
            block=self._block,
            steps=self.steps,
            found=self._found,
            tokens=[
                [self._model.token_text(token_id) for token_id in one.token_ids.tolist()]
                for one in self._found
            ],
            reuse_is_proven=all(
                np.array_equal(one.written_fingerprints, one.final_fingerprints) for one in finals
            ),
        )
