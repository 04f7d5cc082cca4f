"""Norms that count in float64 where their model does."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor, nn


def widen_norms(module: nn.Module, offset: float = 0.0) -> None:
    """Let the RMS norms of a model in float64 count in float64; once, at load.

    Those of transformers count in float32 whatever the model's number format is. Then a run in
    float64 could not tell rounding from error: its differences would be those of float32. In all
    other formats the norms stay as they are, to the last bit.

    Args:
        module: The model.
        offset: What a norm adds to its weight.

    Source: Zhang and Sennrich (2019), “Root Mean Square Layer Normalization”, section 4.
    """
    for part in module.modules():
        if type(part).__name__.endswith("RMSNorm"):
            part.__class__ = _wide(type(part), offset)


@cache
def _wide(kind: type[nn.Module], offset: float) -> type[nn.Module]:
    def forward(self: Any, given: Tensor) -> Tensor:
        if given.dtype != torch.float64:
            return kind.forward(self, given)
        epsilon = self.variance_epsilon if hasattr(self, "variance_epsilon") else self.eps
        normed = given * torch.rsqrt(given.square().mean(-1, keepdim=True) + epsilon)
        return normed * (self.weight + offset)

    return type(kind.__name__, (kind,), {"forward": forward, "__module__": kind.__module__})
