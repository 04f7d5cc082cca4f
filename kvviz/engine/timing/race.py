"""The same tokens with the cache and without, in turns on the same machine, each step timed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from kvviz.engine.caches.full import Full
from kvviz.engine.caches.protocol import KVCache
from kvviz.engine.caches.window import Window
from kvviz.engine.models.context_errors import counted_positions
from kvviz.engine.models.device_memory import free_bytes
from kvviz.engine.models.loaded_model import LoadedModel
from kvviz.engine.running.memory import environment, running
from kvviz.engine.timing.runner import Runner, n_places
from kvviz.errors import (
    ContextLengthError,
    ModelFamilyError,
    OptionsError,
    OutOfMemoryError,
    RunCancelledError,
)
from kvviz.trace import ModelCard
from kvviz.trace.race import Race, race_bytes
from kvviz.translation import N_, ngettext
from kvviz.translation import gettext as _

# not for people: what the models read
TEXT = (
    "Once upon a time there was a little girl who lived in a house by the sea with her mother and "
    "her brother. One day she went down to the water and saw a boat, and in the boat sat an old "
    "man who asked her the way to the town. "
)

SMALLER = N_("Ask for a smaller batch or fewer tokens, or load a smaller model.")
"""What to do where memory runs out, to be translated where it is said."""

Side = Literal["cached", "uncached"]
SIDES: tuple[Side, Side] = ("cached", "uncached")


@dataclass(frozen=True)
class RaceStep:
    """A step of a race that was just done.

    Attributes:
        side: With the cache or without.
        round: 0 is the warm-up, in which both sides take turns; the others count.
        index: Number of the step, 0 is the prefill.
        text: The token that it wrote into the first sequence.
        seconds: What it took.
        done: Steps done so far, of both sides in all rounds.
        n_steps: Steps that there will be.
    """

    side: Side
    round: int
    index: int
    text: str
    seconds: float
    done: int
    n_steps: int


_NUMBERS = {
    "n_prompt": N_("A race needs a whole number of prompt tokens, 1 or more."),
    "n_new": N_("A race needs a whole number of new tokens, 1 or more."),
    "batch": N_("A race needs a whole number of sequences in its batch, 1 or more."),
    "repeats": N_("A race needs a whole number of repeats, 1 or more."),
}

OnStep = Callable[[RaceStep], object]
Cancel = Callable[[], bool]


def race(
    model: LoadedModel,
    *,
    n_prompt: int = 32,
    n_new: int = 96,
    batch: int = 1,
    repeats: int = 3,
    cache: KVCache | None = None,
    on_step: OnStep | None = None,
    cancel: Cancel | None = None,
) -> Race:
    """Generate as many tokens with the cache and without, and time every step.

    With every row kept these are the same tokens. A window reads the prompt whole and lets rows go
    from then on, so that it may write others.

    The first round is not counted: it warms the machine up, and both sides take turns in it, next
    the one that has used less time. In each of the others one side runs from prompt to end and
    then the other; the one that goes first changes. Each token is the most likely one, and the
    end of a text does not end the race. The clock runs from the tokens fed to the tokens chosen,
    with the device synchronised at both ends, and stands still while `on_step` is called.

    Args:
        model: A GPT-2.
        n_prompt: Tokens of each prompt, at least 1. The prompts are pieces of one stored text.
        n_new: Tokens to generate in each sequence, at least 1.
        batch: Sequences at the same time, at least 1.
        repeats: Rounds that count, at least 1.
        cache: What the side with the cache keeps: every row, or a `Window`; None for every row.
        on_step: Called after each step.
        cancel: Asked before each step; True ends the race with the rounds that are complete.

    Raises:
        ModelFamilyError: If the model is no GPT-2.
        OptionsError: If a number is no whole number of at least 1, or rows are to be kept in
            another way.
        ContextLengthError: If prompt and new tokens do not fit into the model's positions.
        OutOfMemoryError: If the race cannot fit into the memory that is free, or runs out of it;
            what it held has been given back.
        RunCancelledError: If cancelled before a round was complete.
        ObservationError: If the cache did not write the rows that were fed.
    """
    _check(model.card, n_prompt=n_prompt, n_new=n_new, batch=batch, repeats=repeats)
    window = _window(cache)
    n_rows = n_prompt + n_new - 1
    check_room(model, n_rows, batch, n_places(n_prompt, n_rows, window))
    prompts = prompt_batch(model, n_prompt, batch)
    return running(
        model,
        lambda: _Race(model, prompts, n_new, repeats, window, on_step, cancel).run(),
        fix=_(SMALLER),
    )


def _window(cache: KVCache | None) -> Window | None:
    """Return the window that is kept, None for every row."""
    if cache is None or isinstance(cache, Full):
        return None
    if isinstance(cache, Window) and not cache.renumbers:
        return cache
    raise OptionsError(
        _("A race keeps every row, or a window of them with their positions."),
        found=_("Found {found!r}.").format(found=cache)[:200],
        fix=_("Take window:60+4, or keep every row."),
    )


def check_room(model: LoadedModel, n_tokens: int, batch: int, n_kept: int | None = None) -> None:
    """Refuse a race that cannot fit.

    Args:
        model: The model.
        n_tokens: Tokens of a sequence.
        batch: Sequences at the same time.
        n_kept: Most rows of a sequence that the cache has room for; None for all.

    Raises:
        OutOfMemoryError: With the arithmetic, and the largest batch that may fit.
    """
    free = free_bytes(model.device)
    needed = race_bytes(model.card, n_tokens, batch, n_kept)
    if free is None or needed.total <= free:
        return
    most = free // race_bytes(model.card, n_tokens, 1, n_kept).total
    found = ngettext(
        "At {n:,} token a sequence it needs at least {cache:,} B of cache and {widest:,} B for the "
        "largest tensors of a pass, together {total:,.1f} GB; {free:,.1f} GB are free.",
        "At {n:,} tokens a sequence it needs at least {cache:,} B of cache and {widest:,} B for "
        "the largest tensors of a pass, together {total:,.1f} GB; {free:,.1f} GB are free.",
        n_tokens,
    )
    raise OutOfMemoryError(
        _("A batch of {n:,} does not fit into the memory of {device}.").format(
            n=batch, device=model.card.device
        ),
        found=found.format(
            n=n_tokens,
            cache=needed.cache,
            widest=needed.widest,
            total=needed.total / 1e9,
            free=free / 1e9,
        ),
        fix=_("Ask for a batch of {n:,} or less, or for fewer tokens.").format(n=most)
        if most
        else _("Ask for fewer tokens."),
    )


def prompt_batch(model: LoadedModel, n_prompt: int, batch: int) -> Int64[Tensor, "sequence p"]:
    """Return prompts of so many tokens, each a piece of one text that begins a token later."""
    ids = model.tokenize(TEXT)
    ids = ids * (n_prompt // len(ids) + 2)
    period = len(model.tokenize(TEXT))
    rows = [ids[start % period : start % period + n_prompt] for start in range(batch)]
    return torch.tensor(rows, dtype=torch.int64, device=model.device)


def _check(card: ModelCard, **numbers: int) -> None:
    if card.family != "gpt2":
        raise ModelFamilyError(
            _("Only a GPT-2 can race with its cache and without."),
            found=_("{model} is a {family}.").format(model=card.name, family=card.family),
            fix=_("Load a GPT-2."),
        )
    for name, number in numbers.items():
        if type(number) is not int or number < 1:
            raise OptionsError(
                _(_NUMBERS[name]),
                found=_("Found {found!r}.").format(found=number),
                fix=_("Change it and run again."),
            )
    wanted = numbers["n_prompt"] + numbers["n_new"]
    if wanted > card.n_ctx:
        raise ContextLengthError(
            _("Prompt and new tokens do not fit into the model's context."),
            found=_("{n_prompt:,} and {n_new:,} make {total:,}; {model} has {positions}.").format(
                n_prompt=numbers["n_prompt"],
                n_new=numbers["n_new"],
                total=wanted,
                model=card.name,
                positions=counted_positions(card),
            ),
            fix=_("Ask for {n:,} or fewer together.").format(n=card.n_ctx),
        )


class _Race:
    def __init__(
        self,
        model: LoadedModel,
        prompts: Tensor,
        n_new: int,
        repeats: int,
        window: Window | None,
        on_step: OnStep | None,
        cancel: Cancel | None,
    ) -> None:
        self._model, self._prompts, self._window = model, prompts, window
        self._n_new, self._repeats = n_new, repeats
        self._on_step, self._cancel = on_step, cancel
        self._n_done = 0

    def run(self) -> Race:
        seconds: dict[Side, list[list[float]]] = {"cached": [], "uncached": []}
        last: dict[Side, Runner] = {}
        try:
            self._warm_up()
            for number in range(1, self._repeats + 1):
                order = SIDES if number % 2 else SIDES[::-1]
                runners: dict[Side, Runner] = {}
                for side in order:
                    runners[side] = self._runner(side)
                    while not runners[side].done:
                        self._advance(side, runners[side], number)
                for side, runner in runners.items():
                    seconds[side].append(runner.seconds)
                last = runners
        except RunCancelledError:
            if not last:
                raise
        cached, uncached = last["cached"], last["uncached"]
        return Race(
            model=self._model.card,
            n_prompt=self._prompts.shape[1],
            n_asked=self._repeats,
            token_ids=cached.tokens.cpu().numpy(),
            uncached_token_ids=uncached.tokens.cpu().numpy(),
            cached_seconds=np.array(seconds["cached"], dtype=np.float64),
            uncached_seconds=np.array(seconds["uncached"], dtype=np.float64),
            cache_bytes=np.array(cached.cache_bytes, dtype=np.int64),
            environment=environment(self._model),
            rows=None if self._window is None else self._window.size + self._window.sinks,
            sinks=0 if self._window is None else self._window.sinks,
        )

    def _warm_up(self) -> None:
        """Run both sides in turns: the next step is of the side that has used less time."""
        runners: dict[Side, Runner] = {side: self._runner(side) for side in SIDES}
        waiting: list[Side] = list(SIDES)
        while waiting:
            side = min(waiting, key=lambda one: sum(runners[one].seconds))
            self._advance(side, runners[side], 0)
            waiting = [one for one in waiting if not runners[one].done]

    def _runner(self, side: Side) -> Runner:
        of_cache = self._window if side == "cached" else None
        return Runner(self._model, self._prompts, self._n_new, side == "cached", of_cache)

    def _advance(self, side: Side, runner: Runner, number: int) -> None:
        if self._cancel is not None and self._cancel():
            raise RunCancelledError(
                _("The race was cancelled before a round was complete."), fix=_("Start it again.")
            )
        index = runner.n_done
        seconds = runner.step()
        self._n_done += 1
        if self._on_step is not None:
            token_id = int(runner.tokens[0, self._prompts.shape[1] + index])
            self._on_step(
                RaceStep(
                    side,
                    number,
                    index,
                    self._model.token_text(token_id),
                    seconds,
                    self._n_done,
                    2 * self._n_new * (self._repeats + 1),
                )
            )
