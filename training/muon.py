"""Muon in float32, for processors that would have to imitate bfloat16."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

MATCH_RMS = 0.2
"""Root mean square of an update of AdamW, which Muon's is scaled to.

Source: Liu et al., "Muon is Scalable for LLM Training", section 2.2, arXiv 2502.16982.
"""


class WideMuon(torch.optim.Muon):
    """torch's Muon with `match_rms_adamw` and Nesterov momentum, its products in float32.

    torch's own casts every matrix to bfloat16. Where a processor has no such products, that takes
    several times as long as float32 does. State and settings are torch's, so that a run may go on
    with either.
    """

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:
        """Applies the gradients; `closure` is not called."""
        for group in self.param_groups:
            rate, momentum = group["lr"], group["momentum"]
            for parameter in group["params"]:
                gradient, state = parameter.grad, self.state[parameter]
                if "momentum_buffer" not in state:
                    state["momentum_buffer"] = torch.zeros_like(gradient)
                buffer = state["momentum_buffer"]
                buffer.lerp_(gradient, 1 - momentum)
                update = orthogonal(
                    gradient.lerp(buffer, momentum),
                    group["ns_coefficients"],
                    group["ns_steps"],
                    group["eps"],
                )
                scale = MATCH_RMS * max(parameter.shape) ** 0.5
                parameter.mul_(1 - rate * group["weight_decay"])
                parameter.add_(update, alpha=-rate * scale)


def orthogonal(
    matrix: Tensor, coefficients: tuple[float, float, float], n_steps: int, eps: float
) -> Tensor:
    """Returns a matrix with the same singular vectors, whose singular values are near 1.

    Args:
        matrix: (row column); not changed.
        coefficients: Of the odd polynomial of degree 5 that is applied to the singular values.
        n_steps: How often it is applied.
        eps: The least norm that is divided by.

    Source: Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024.
    """
    first, third, fifth = coefficients
    is_tall = matrix.shape[0] > matrix.shape[1]
    wide = matrix.T if is_tall else matrix
    wide = wide / wide.norm().clamp(min=eps)
    for _ in range(n_steps):
        gram = wide @ wide.T
        powers = torch.addmm(gram, gram, gram, beta=third, alpha=fifth)
        wide = torch.addmm(wide, powers, wide, beta=first)
    return wide.T if is_tall else wide
