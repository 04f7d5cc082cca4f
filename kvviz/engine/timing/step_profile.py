"""Where the time of a step goes: a walk through the model's own modules with a clock between them.

Hooks on the model would be seen by every other run on it. So the pass is walked from outside, part
by part, with the very modules and the attention that the model uses; that its logits have the same
bits as the model's own is checked each time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import Cache
from transformers.masking_utils import create_causal_mask

from kvviz.engine.caches.preallocated_layer import PreallocatedLayer
from kvviz.engine.models.context_errors import counted_positions
from kvviz.engine.models.devices import synchronise
from kvviz.engine.models.families.decoder_alone import last_positions
from kvviz.engine.models.loaded_model import LoadedModel
from kvviz.engine.observing.attention import observed_attention
from kvviz.engine.running.memory import environment, running
from kvviz.engine.timing.race import SMALLER, check_room, prompt_batch
from kvviz.engine.timing.runner import cache_layers
from kvviz.errors import (
    ContextLengthError,
    ModelFamilyError,
    ObservationError,
    OptionsError,
    RunCancelledError,
)
from kvviz.trace.step_profile import PARTS, StepProfile
from kvviz.translation import gettext as _
from kvviz.translation import ngettext

Progress = Callable[[int, int], object]
Cancel = Callable[[], bool]


def profile_step(
    model: LoadedModel,
    n_tokens: int,
    *,
    use_cache: bool = True,
    batch: int = 1,
    repeats: int = 9,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> StepProfile:
    """Time the parts of the step that reads `n_tokens` tokens and chooses the next one.

    Each repeat times the parts, and then the same step run as always, for comparison. On a GPU
    the device is synchronised after each part, which makes the parts slower than they are in a
    step that runs through.

    Args:
        model: A GPT-2.
        n_tokens: Tokens of each sequence, at least 2.
        use_cache: With the cache all but the last have their rows already, and one row is
            computed; without it all are.
        batch: Sequences at the same time.
        repeats: How often, after one that does not count.
        progress: Called after each repeat with the repeats done and all there are.
        cancel: Asked before each repeat.

    Raises:
        ModelFamilyError: If the model is no GPT-2.
        OptionsError: If there are fewer than 2 tokens, no sequence or no repeat.
        ContextLengthError: If the model has fewer positions.
        OutOfMemoryError: If memory does not suffice.
        RunCancelledError: If cancelled.
        ObservationError: If the walk's logits are not the model's.
    """
    card = model.card
    if card.family != "gpt2":
        raise ModelFamilyError(
            _("Only a step of a GPT-2 is cut into parts here."),
            found=_("{model} is a {family}.").format(model=card.name, family=card.family),
            fix=_("Load a GPT-2."),
        )
    if n_tokens < 2 or batch < 1 or repeats < 1:
        raise OptionsError(
            _("A step is timed at 2 or more tokens, in 1 or more sequences, 1 or more times."),
            found=_("Found {n_tokens}, {batch} and {repeats}.").format(
                n_tokens=n_tokens, batch=batch, repeats=repeats
            ),
        )
    if n_tokens > card.n_ctx:
        raise ContextLengthError(
            _("The step is longer than the model's context."),
            found=ngettext(
                "{n:,} token; {model} has {positions}.",
                "{n:,} tokens; {model} has {positions}.",
                n_tokens,
            ).format(n=n_tokens, model=card.name, positions=counted_positions(card)),
            fix=_("Ask for fewer."),
        )
    check_room(model, n_tokens, batch)
    return running(
        model,
        lambda: _profile(model, n_tokens, use_cache, batch, repeats, progress, cancel),
        fix=_(SMALLER),
    )


def _profile(
    model: LoadedModel,
    n_tokens: int,
    use_cache: bool,
    batch: int,
    repeats: int,
    progress: Progress | None,
    cancel: Cancel | None,
) -> StepProfile:
    tokens = prompt_batch(model, n_tokens, batch)
    n_kept = n_tokens - 1 if use_cache else 0
    kept: list[PreallocatedLayer] = []
    if use_cache:
        kept = cache_layers(model, batch, n_kept)
        _as_always(model, tokens[:, :n_kept], kept)
    fed, parts, wholes = tokens[:, n_kept:], [], []
    for number in range(repeats + 1):
        if cancel is not None and cancel():
            raise RunCancelledError(_("The measurement was cancelled."), fix=_("Start it again."))
        clock = _Clock(model.device)
        walked = _walk(model, fed, _copied(model, kept, n_tokens), clock)
        layers = _copied(model, kept, n_tokens)
        synchronise(model.device)
        start = time.perf_counter()
        logits = _as_always(model, fed, layers)
        logits.argmax(-1)
        synchronise(model.device)
        whole = time.perf_counter() - start
        if not torch.equal(walked, logits):
            raise ObservationError(
                _("The parts of the step do not add up to the step."),
                found=_("Their logits differ."),
                fix=_("Report this with the versions of kvviz, torch and transformers."),
            )
        # The first pays for what is done once, such as choosing kernels.
        if number:
            parts.append([clock.seconds[name] for name in PARTS])
            wholes.append(whole)
            if progress is not None:
                progress(number, repeats)
    return StepProfile(
        model=model.card,
        n_new=n_tokens - n_kept,
        n_keys=n_tokens,
        batch=batch,
        seconds=np.array(parts, dtype=np.float64),
        whole_seconds=np.array(wholes, dtype=np.float64),
        environment=environment(model),
    )


class _Clock:
    """Adds up the time of each part: what has passed since the last mark belongs to the next."""

    def __init__(self, device: torch.device) -> None:
        self.seconds: dict[str, float] = dict.fromkeys(PARTS, 0.0)
        self._device = device
        synchronise(device)
        self._last = time.perf_counter()

    def mark(self, part: str) -> None:
        """Give the time since the last mark to a part."""
        synchronise(self._device)
        now = time.perf_counter()
        self.seconds[part] += now - self._last
        self._last = time.perf_counter()


def _copied(
    model: LoadedModel, kept: list[PreallocatedLayer], n_positions: int
) -> list[PreallocatedLayer]:
    """Return a cache of its own with the same rows, and room for the step."""
    if not kept:
        return []
    layers = cache_layers(model, kept[0].keys.shape[0], n_positions)
    for layer, old in zip(layers, kept, strict=True):
        layer.update(old.keys, old.values)
    return layers


def _cache(layers: list[PreallocatedLayer]) -> Cache | None:
    return Cache(layers=[*layers]) if layers else None


def _as_always(model: LoadedModel, fed: Tensor, layers: list[PreallocatedLayer]) -> Tensor:
    module: Any = model.module
    last = last_positions(1, model.device)
    return module(
        fed, logits_to_keep=last, use_cache=bool(layers), past_key_values=_cache(layers)
    ).logits


def _walk(
    model: LoadedModel, fed: Tensor, layers: list[PreallocatedLayer], clock: _Clock
) -> Tensor:
    """Run the step part by part and return its logits, shape ``sequence 1 vocab``."""
    module: Any = model.module
    stack, cache = module.transformer, _cache(layers)
    clock.mark("rest")
    n_kept = layers[0].get_seq_length() if layers else 0
    positions = torch.arange(fed.shape[1], device=fed.device) + n_kept
    hidden = stack.wte(fed) + stack.wpe(positions[None])
    clock.mark("embeddings")
    mask = create_causal_mask(
        config=stack.config,
        inputs_embeds=hidden,
        attention_mask=None,
        past_key_values=cache,
        position_ids=positions[None],
    )
    for number, block in enumerate(stack.h):
        normed = block.ln_1(hidden)
        clock.mark("rest")
        query, key, value = (
            rows.unflatten(-1, (-1, model.card.d_head)).transpose(1, 2)
            for rows in block.attn.c_attn(normed).split(block.attn.split_size, dim=2)
        )
        clock.mark("Q/K/V projections")
        if cache is not None:
            key, value = cache.update(key, value, number)
        weighted, _weights = observed_attention(
            block.attn, query, key, value, mask, scaling=block.attn.scaling
        )
        attended = block.attn.c_proj(weighted.flatten(-2).contiguous())
        clock.mark("attention")
        hidden = attended + hidden
        normed = block.ln_2(hidden)
        clock.mark("rest")
        inner = block.mlp(normed)
        clock.mark("MLP")
        hidden = hidden + inner
    hidden = stack.ln_f(hidden)
    clock.mark("rest")
    logits = module.lm_head(hidden[:, last_positions(1, model.device)])
    clock.mark("head")
    logits.argmax(-1)
    clock.mark("sampling")
    return logits
