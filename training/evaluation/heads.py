"""Raw scores of every head: where it looks, on average.

A score is a mean share of attention between 0 and 1. Which score makes a head a previous-token,
first-token or induction head is not decided here: `kvviz.analysis` owns the thresholds.

Axes: `layer head`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor
from transformers import PreTrainedModel

import kvviz
from kvviz.analysis import RoleName, all_role_scores, probe_prompt
from training.tokenizer import N_SPECIAL

N_SEQUENCES = 16
N_REPEATED = 64


def probe_scores(folder: Path) -> Mapping[RoleName, Float64[np.ndarray, "layer head"]]:
    """Returns how well each head fits each role, as `kvviz.analysis` measures it.

    Args:
        folder: A GPT-2 or Llama as it ships; it is run on the probe prompt by kvviz itself.
    """
    # Whole, since kvviz/weights/... alone would be taken for the name of a model.
    model = kvviz.load_model(str(folder.resolve()), device="cpu")
    trace = kvviz.trace_generation(model, probe_prompt(), max_new_tokens=1)
    return all_role_scores(trace)


@torch.no_grad()
def head_scores(
    model: PreTrainedModel,
    text: Int64[np.ndarray, " n"],
    seed: int = 0,
    start: int | None = None,
) -> dict[str, Float64[np.ndarray, "layer head"]]:
    """Returns the three scores of each head.

    - "previous_token": attention to the token just before, on held-out text.
    - "first_token": attention to position 0, on held-out text; the first two queries are left
      out, which have little else to look at.
    - "induction": on random tokens said twice, attention from the second time to the token after
      the first time. Source: Olsson et al., "In-context Learning and Induction Heads", 2022.

    Args:
        model: A GPT-2 or Llama loaded with `attn_implementation="eager"`.
        text: Held-out tokens, at least 16 x 128.
        seed: Of the random tokens.
        start: A token that every row of the model begins with, if there is one. It stands in place
            of the first token of held-out text, and before the random tokens.
    """
    n = 2 * N_REPEATED
    rows = torch.from_numpy(text[: N_SEQUENCES * n].reshape(N_SEQUENCES, n))
    if start is not None:
        rows = rows.clone()
        rows[:, 0] = start
    patterns = _patterns(model, rows)
    draw = np.random.default_rng(seed)
    span = draw.integers(N_SPECIAL, model.config.vocab_size, (N_SEQUENCES, N_REPEATED))
    first = np.full((N_SEQUENCES, 0 if start is None else 1), start or 0)
    said_twice = torch.from_numpy(np.concatenate([first, span, span], axis=1))
    repeated = _patterns(model, said_twice)[..., -n:, -n:]
    previous = patterns.diagonal(offset=-1, dim1=-2, dim2=-1).mean(dim=(0, 3))
    to_first = patterns[..., 2:, 0].mean(dim=(0, 3))
    # The first entry of the diagonal is a query of the first time round, which can know nothing.
    after_first_time = repeated.diagonal(offset=1 - N_REPEATED, dim1=-2, dim2=-1)[..., 1:]
    induction = after_first_time.mean(dim=(0, 3))
    return {
        "previous_token": previous.double().numpy(),
        "first_token": to_first.double().numpy(),
        "induction": induction.double().numpy(),
    }


def _patterns(model: PreTrainedModel, rows: Tensor) -> Float[Tensor, "row layer head query key"]:
    attentions = model(rows, output_attentions=True).attentions
    return torch.stack(attentions, dim=1)
