"""A forward pass that a run asks for, made for it alone or for several runs at once."""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from transformers import Cache

from kvviz.engine.models.devices import synchronise
from kvviz.engine.models.loaded_model import LoadedModel
from kvviz.engine.observing.observation import StepObservation
from kvviz.engine.observing.shared_observation import SharedObservation
from kvviz.errors import ObservationError
from kvviz.trace import GenerationTrace
from kvviz.translation import ngettext


@dataclass(frozen=True, slots=True, eq=False)
class ForwardPass:
    """What a run asks for at a step.

    Attributes:
        fed: Positions that go through the network.
        token_ids: The tokens there.
        arguments: What its way of keeping rows passes to the model.
        observation: Who watches.
        can_share: Whether other runs' rows may go through the network beside these. They may in a
            decoder with a plain cache, or none; what drops rows masks in ways of its own.
    """

    fed: range
    token_ids: Sequence[int]
    arguments: dict[str, Any]
    observation: StepObservation
    can_share: bool


@dataclass(frozen=True, slots=True, eq=False)
class PassResult:
    """What comes of it for one run.

    Attributes:
        logits: Those of the last position.
        n_logits: Positions that the model gave logits for.
        seconds: How long the pass took, for all runs that shared it.
        n_together: How many they were.
    """

    logits: Float[Tensor, " vocab"]
    n_logits: int
    seconds: float
    n_together: int = 1


Run = Generator[ForwardPass, PassResult, GenerationTrace]
"""A run: it asks for a pass a step, is sent what came of it, and returns its record."""


def pass_alone(model: LoadedModel, asked: ForwardPass) -> PassResult:
    """Make the pass of one run.

    The clock runs while observers listen, which takes them about a microsecond a call.
    """
    logits, seconds = pass_with_logits(model, asked, 1)
    return PassResult(logits[-1], len(logits), seconds)


def pass_with_logits(
    model: LoadedModel, asked: ForwardPass, n_logits: int
) -> tuple[Float[Tensor, "position vocab"], float]:
    """Make the pass of one run, and ask for the logits of its last positions.

    Args:
        model: A model.
        asked: The pass.
        n_logits: For how many of its last positions a decoder is to give logits.

    Returns:
        The logits, and how long the pass took in seconds.
    """
    synchronise(model.device)
    start = time.perf_counter()
    tokens = torch.tensor([asked.token_ids], device=model.device)
    inputs = model.family.writing_inputs(tokens, n_logits)
    with asked.observation.watching():
        output = model.module(**inputs, kvviz_observation=asked.observation, **asked.arguments)
    synchronise(model.device)
    return output.logits[0], time.perf_counter() - start


def pass_together(model: LoadedModel, asked: Sequence[ForwardPass]) -> list[PassResult]:
    """Make one pass for several runs.

    The rows of all stand in one line, whatever their number in each run. What works on a row by
    itself (projections, MLP, norms) sees them all at once; each run attends over its own rows
    alone, which lie where they lie when it is by itself.

    Raises:
        ObservationError: If a projection or the head saw another number of rows.

    Source: Yu et al. (2022), “Orca”, section 4.2: selective batching.
    """
    if len(asked) == 1:
        return [pass_alone(model, asked[0])]
    lengths = [len(one.fed) for one in asked]
    synchronise(model.device)
    start = time.perf_counter()
    tokens, positions, lasts = (
        torch.tensor(numbers, device=model.device)
        for numbers in (
            [[token_id for one in asked for token_id in one.token_ids]],
            [[position for one in asked for position in one.fed]],
            [sum(lengths[: number + 1]) - 1 for number in range(len(lengths))],
        )
    )
    observation = SharedObservation([one.observation for one in asked], lengths)
    caches = [one.arguments["past_key_values"] for one in asked]
    with observation.watching():
        output = model.module(
            input_ids=tokens,
            position_ids=positions,
            logits_to_keep=lasts,
            # Each run masks for itself; a mask of four axes is left as it is.
            attention_mask=tokens.new_zeros(1, 1, 1, 1),
            past_key_values=_ApartCache(caches, observation),
            use_cache=True,
            kvviz_observation=observation,
        )
    synchronise(model.device)
    seconds = time.perf_counter() - start
    observation.hand_out()
    logits = output.logits[0]
    if len(logits) != len(asked):
        raise ObservationError(
            ngettext(
                "A pass for several runs gave logits for {n} position.",
                "A pass for several runs gave logits for {n} positions.",
                len(logits),
            ).format(n=len(logits)),
            found=ngettext(
                "It was made for {n} run.", "It was made for {n} runs.", len(asked)
            ).format(n=len(asked)),
        )
    return [PassResult(row, 1, seconds, len(asked)) for row in logits]


class _ApartCache(Cache):
    """The caches of several runs, each of which is given its own rows of a pass.

    Args:
        caches: One a run, None for a run that keeps no rows.
        observation: What the rows of each run are put into, for its attention to read.
    """

    def __init__(self, caches: Sequence[Cache | None], observation: SharedObservation) -> None:
        super().__init__(layers=[])
        self._caches = caches
        self._observation = observation

    def update(
        self, key_states: Tensor, value_states: Tensor, layer_idx: int, *_rest: Any, **_named: Any
    ) -> tuple[Tensor, Tensor]:
        """Write the new rows of each run into its own cache."""
        lengths = self._observation.lengths
        self._observation.rows = [
            (key, value) if cache is None else cache.update(key, value, layer_idx)
            for cache, key, value in zip(
                self._caches,
                key_states.split(lengths, dim=-2),
                value_states.split(lengths, dim=-2),
                strict=True,
            )
        ]
        return key_states, value_states
