"""A run here, held to the same run by transformers' own eager attention."""

from __future__ import annotations

import numpy as np
import torch
from transformers import AutoModelForCausalLM, DynamicCache

ROUNDINGS = 256 * torch.finfo(torch.float32).eps
"""What sums in another order may cost through thirty layers, at the scale of the largest number."""


def close(ours, theirs, what):
    """Compare at the scale of the largest number; a wrong rotation or a wrong group is 1 there."""
    one, other = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    worst, limit = np.abs(one - other).max(), ROUNDINGS * max(1.0, np.abs(other).max())
    assert worst <= limit, f"{what} differ by {worst:.2e}, more than {limit:.2e}"


def eager_decoder(folder):
    """Return the decoder in a folder as transformers has it."""
    return AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager"
    ).eval()


def assert_the_same_run(plain, trace, logits):
    """Feed transformers the tokens of a run step by step, and compare all that it says.

    Returns:
        Its cache.
    """
    ids, start, cache = torch.tensor(trace.token_ids)[None], 0, DynamicCache()
    for step in trace.steps:
        stop = trace.n_prompt + step.index
        with torch.no_grad():
            out = plain(ids[:, start:stop], past_key_values=cache, output_attentions=True)
        close(logits[step.index], out.logits[0, -1], "logits")
        assert step.chosen_id == int(out.logits[0, -1].argmax())
        for layer, weights in enumerate(out.attentions):
            for head in range(trace.model.n_heads):
                rows = np.nan_to_num(trace.pattern(layer, head))[start:stop, :stop]
                close(rows, weights[0, head], f"patterns of layer {layer}")
        start = stop
    for layer, held in enumerate(cache.layers):
        close(trace.keys(layer), held.keys[0], f"keys of layer {layer}")
        close(trace.values(layer), held.values[0], f"values of layer {layer}")
    assert trace.reuse_is_proven
    return cache
