"""RMS norms: counted in float64 where their model does, and else said to torch in few words."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor, nn


def settle_norms(module: nn.Module, offset: float = 0.0) -> None:
    """Let the RMS norms of a model in float64 count in float64; once, at load.

    Those of transformers count in float32 whatever the model's number format is. Then a run in
    float64 could not tell rounding from error: its differences would be those of float32. In all
    other formats the norms give what they gave, to the last bit. On a processor a norm without an
    offset takes two words of torch for nine: in a decode step to say it takes longer than to do it
    (decision 58).

    Args:
        module: The model.
        offset: What a norm adds to its weight.

    Source: Zhang and Sennrich (2019), “Root Mean Square Layer Normalization”, section 4.
    """
    for part in module.modules():
        if type(part).__name__.endswith("RMSNorm"):
            part.__class__ = _settled(type(part), offset)


@cache
def _settled(kind: type[nn.Module], offset: float) -> type[nn.Module]:
    def forward(self: Any, given: Tensor) -> Tensor:
        is_wide = given.dtype == torch.float64
        if not is_wide and (offset or given.device.type != "cpu"):
            return kind.forward(self, given)
        epsilon = self.variance_epsilon if hasattr(self, "variance_epsilon") else self.eps
        if not is_wide:
            # Without the weight, which comes after the rounding to the model's number format.
            return self.weight * torch.rms_norm(given, given.shape[-1:], None, epsilon)
        normed = given * torch.rsqrt(given.square().mean(-1, keepdim=True) + epsilon)
        return normed * (self.weight + offset)

    return type(kind.__name__, (kind,), {"forward": forward, "__module__": kind.__module__})
