"""A run and the logits of its steps, which the trace does not keep."""

from __future__ import annotations

from torch import Tensor

from kvviz.engine import LoadedModel
from kvviz.engine.running.generation import prepared, run_alone
from kvviz.trace import GenerationOptions, GenerationTrace


def run_with_logits(
    model: LoadedModel, text: str, n_new: int
) -> tuple[GenerationTrace, list[Tensor]]:
    """Return the trace of a greedy run and the logits of each of its steps."""
    logits: list[Tensor] = []
    steps = prepared(
        model,
        text,
        GenerationOptions(n_new),
        n_top=10,
        on_logits=lambda _, row: logits.append(row.clone()),
    )
    return run_alone(model, steps), logits
