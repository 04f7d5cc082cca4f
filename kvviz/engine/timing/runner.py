"""One side of one round of a race: passes one after another, each timed, and the rows it keeps."""

from __future__ import annotations

import time
from typing import Any

import torch
from jaxtyping import Int64
from torch import Tensor
from transformers import Cache

from kvviz.engine.caches.preallocated_layer import PreallocatedLayer
from kvviz.engine.caches.window import Window
from kvviz.engine.models.devices import synchronise
from kvviz.engine.models.families.decoder_alone import last_positions
from kvviz.engine.models.loaded_model import LoadedModel
from kvviz.engine.timing.window_layer import WindowLayer
from kvviz.errors import ObservationError
from kvviz.translation import gettext as _


class Runner:
    """One side of one round.

    Args:
        model: The model.
        prompts: Token ids.
        n_new: Tokens to generate.
        use_cache: Which side it is.
        window: What the side with the cache keeps; None for every row.
    """

    def __init__(
        self,
        model: LoadedModel,
        prompts: Int64[Tensor, "sequence p"],
        n_new: int,
        use_cache: bool,
        window: Window | None = None,
    ) -> None:
        self._model, self._window, self._n_fed = model, window, 0
        batch, self._n = prompts.shape
        self._n_prompt = self._n
        self.tokens = torch.empty(
            (batch, self._n + n_new), dtype=torch.int64, device=prompts.device
        )
        self.tokens[:, : self._n] = prompts
        self.seconds: list[float] = []
        self.cache_bytes: list[int] = []
        self._layers: list[PreallocatedLayer] = []
        self._arguments: dict[str, Any] = {"use_cache": False}
        if use_cache:
            self._layers = cache_layers(
                model, batch, n_places(self._n, self._n + n_new - 1, window), window
            )
            self._arguments = {"use_cache": True, "past_key_values": Cache(layers=[*self._layers])}

    @property
    def n_done(self) -> int:
        """Steps done."""
        return self._n - self._n_prompt

    @property
    def done(self) -> bool:
        """Whether all tokens are there."""
        return self._n == self.tokens.shape[1]

    def step(self) -> float:
        """Run one forward pass, append its tokens, and return the seconds it took."""
        model, n_kept = self._model, self._layers[0].get_seq_length() if self._layers else 0
        synchronise(model.device)
        last = last_positions(1, model.device)
        start = time.perf_counter()
        fed = self.tokens[:, self._n_fed : self._n]
        arguments = self._arguments
        if self._window is not None and self._layers:
            # The length of the cache no longer tells them.
            places = torch.arange(self._n_fed, self._n, device=fed.device)
            arguments = {**arguments, "position_ids": places[None]}
        output: Any = model.module(fed, logits_to_keep=last, **arguments)
        self.tokens[:, self._n] = output.logits[:, -1].argmax(-1)
        for layer in self._layers:
            if isinstance(layer, WindowLayer):
                layer.let_go()
        synchronise(model.device)
        seconds = time.perf_counter() - start
        for layer in self._layers:
            writes = layer.take_writes()
            if writes != [range(n_kept, n_kept + fed.shape[1])]:
                raise ObservationError(
                    _("The cache did not write the rows that were fed."),
                    found=_("It wrote {found}.").format(found=writes),
                )
        self._n_fed = self._n if self._layers else 0
        self._n += 1
        self.seconds.append(seconds)
        self.cache_bytes.append(
            sum(layer.keys.nbytes + layer.values.nbytes for layer in self._layers)
        )
        return seconds


def n_places(n_prompt: int, n_rows: int, window: Window | None) -> int:
    """Return how many rows of a sequence there must be room for, of so many that are written."""
    return n_rows if window is None else min(n_rows, max(n_prompt, window.size + window.sinks))


def cache_layers(
    model: LoadedModel, batch: int, n_positions: int, window: Window | None = None
) -> list[PreallocatedLayer]:
    """Return empty layers with room for so many rows, of which a window keeps some."""
    card = model.card
    shape = (card.n_layers, 2, batch, card.n_kv_heads, n_positions, card.d_head)
    buffer = torch.empty(shape, dtype=model.dtype, device=model.device)
    if window is None:
        return [PreallocatedLayer(keys, values) for keys, values in buffer]
    n_kept = window.size + window.sinks - 1
    return [WindowLayer(keys, values, n_kept, window.sinks) for keys, values in buffer]
