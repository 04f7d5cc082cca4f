"""Muon for the hidden matrices, AdamW for everything else."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from training.muon import WideMuon
from training.recipes import Recipe


class Optimiser:
    """Two optimisers that step together under one schedule.

    Muon makes the update of a matrix orthogonal, which suits matrices inside the network; its
    rate is scaled so that one value serves both optimisers (`match_rms_adamw`). Embeddings, norms
    and biases are no such matrices and take AdamW without weight decay.

    Args:
        model: Its parameters are grouped once, here.
        recipe: Peak rates, weight decay and the norm to clip at.
        bfloat16: Whether Muon's products are in bfloat16, or else in float32.
    """

    def __init__(self, model: nn.Module, recipe: Recipe, *, bfloat16: bool = True) -> None:
        self._recipe = recipe
        hidden, rest = split_parameters(model)
        self._parameters = hidden + rest
        self.muon = (torch.optim.Muon if bfloat16 else WideMuon)(
            hidden,
            lr=recipe.muon_rate,
            momentum=0.95,
            weight_decay=recipe.weight_decay,
            adjust_lr_fn="match_rms_adamw",
        )
        self.adamw = torch.optim.AdamW(
            rest, lr=recipe.adamw_rate, betas=(0.9, 0.95), weight_decay=0.0, fused=True
        )

    def step(self, rate: float) -> float:
        """Applies the gradients and clears them.

        Args:
            rate: Share of the peak learning rates.

        Returns:
            Norm of the gradient before clipping.
        """
        norm = nn.utils.clip_grad_norm_(self._parameters, self._recipe.clip)
        self.muon.param_groups[0]["lr"] = self._recipe.muon_rate * rate
        self.adamw.param_groups[0]["lr"] = self._recipe.adamw_rate * rate
        for optimiser in (self.muon, self.adamw):
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        return float(norm)

    def state_dict(self) -> dict[str, object]:
        """Returns what a checkpoint needs to go on."""
        return {"muon": self.muon.state_dict(), "adamw": self.adamw.state_dict()}

    def load_state_dict(self, state: dict[str, dict]) -> None:
        """Takes up the state of a checkpoint."""
        self.muon.load_state_dict(state["muon"])
        self.adamw.load_state_dict(state["adamw"])


def split_parameters(model: nn.Module) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """Returns the hidden matrices and the rest; a tied parameter is counted once.

    A hidden matrix has two axes and is no embedding: neither axis indexes tokens or positions.
    """
    embeddings = set(_embedding_ids(model))
    parameters = list(model.parameters())
    hidden = [p for p in parameters if p.ndim == 2 and id(p) not in embeddings]
    chosen = {id(p) for p in hidden}
    return hidden, [p for p in parameters if id(p) not in chosen]


def _embedding_ids(model: nn.Module) -> Iterator[int]:
    for module in model.modules():
        if isinstance(module, nn.Embedding):
            yield id(module.weight)
