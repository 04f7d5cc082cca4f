"""A text that ships is read, so that it is known along which directions rows are spread."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from weakref import WeakKeyDictionary

import torch
from jaxtyping import Float
from torch import Tensor, nn

from kvviz.engine.caches.calibration import Basis, Part, principal_directions
from kvviz.engine.models.loaded_model import LoadedModel
from kvviz.engine.observing.observation import StepObservation
from kvviz.engine.running.forward_pass import ForwardPass, pass_alone

_MOST_PASSES = 8
"""A model with few positions reads this many pieces of the text, and not all of it."""

_known: WeakKeyDictionary[nn.Module, dict[Part, Basis]] = WeakKeyDictionary()
_lock = threading.Lock()


def basis(model: LoadedModel, part: Part, rank: int) -> Basis:
    """Return the first directions along which a model's rows are spread, in its number format.

    All of them, of every part, are worked out when the first are asked for, and kept as long as the
    model is.

    Args:
        model: A decoder.
        part: Of keys, of values, or of both in one row.
        rank: How many directions.
    """
    with _lock:
        if model.module not in _known:
            _known[model.module] = principal_directions(_read(model))
        mean, directions = _known[model.module][part]
    options = {"dtype": model.dtype, "device": model.device}
    return Basis(mean.to(**options), directions[:, :rank].to(**options))


def _read(model: LoadedModel) -> Iterator[Float[Tensor, "2 layer kv_head row d_head"]]:
    """Read the text in pieces as long as the model can read; they overlap, and cover it evenly."""
    text = Path(__file__).with_suffix(".txt").read_text("utf-8")
    ids = [*model.first_ids, *model.tokenize(text)]
    length = min(len(ids), model.card.n_ctx)
    rest = len(ids) - length
    n_passes = min(_MOST_PASSES, 1 + -(-2 * rest // length))
    for number in range(n_passes):
        start = rest * number // max(1, n_passes - 1)
        observation = StepObservation()
        arguments = {"past_key_values": None, "use_cache": False}
        part = ids[start : start + length]
        pass_alone(model, ForwardPass(range(length), part, arguments, observation, False))
        yield torch.stack(
            [
                torch.cat([attended.key for attended in observation.attended]),
                torch.cat([attended.value for attended in observation.attended]),
            ]
        )
