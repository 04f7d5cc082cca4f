"""Rotary angles that count in float64 where their model does."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor, nn


def widen_angles(module: nn.Module) -> None:
    """Let the rotary positions of a model in float64 be made in float64; once, at load.

    Those of transformers count in float32 whatever the model's number format is. An angle is then
    off by what float32 leaves of it, and a key that is turned from one place to another is off the
    key made there by as much: a run in float64 could not tell that from an error. In all other
    formats the angles stay as they are, to the last bit.

    Args:
        module: The model.

    Source: Su et al. (2021), “RoFormer”, section 3.4.2, equation 34, pairs as Llama has them.
    """
    for part in module.modules():
        if type(part).__name__.endswith("RotaryEmbedding"):
            part.__class__ = _wide(type(part))


@cache
def _wide(kind: type[nn.Module]) -> type[nn.Module]:
    @torch.no_grad()
    def forward(
        self: Any, given: Tensor, position_ids: Tensor, layer_type: str = ""
    ) -> tuple[Tensor, Tensor]:
        of_layer = (layer_type,) if layer_type else ()
        if given.dtype != torch.float64:
            return kind.forward(self, given, position_ids, *of_layer)
        prefix = f"{layer_type}_" if layer_type else ""
        speeds = getattr(self, f"{prefix}inv_freq").to(given)
        half = position_ids[..., None].to(given) * speeds
        angles = torch.cat([half, half], dim=-1)
        scale = getattr(self, f"{prefix}attention_scaling")
        return angles.cos() * scale, angles.sin() * scale

    return type(kind.__name__, (kind,), {"forward": forward, "__module__": kind.__module__})
