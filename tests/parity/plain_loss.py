"""The loss of a text by transformers alone, window by window, as anybody would compute it."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from transformers import PreTrainedModel


def plain_losses(
    plain: PreTrainedModel, before: list[int], ids: list[int], context: int, stride: int
) -> Tensor:
    """Return minus the log probability of each token that something stands before, in float64.

    Each is taken from the earliest window that reaches it.
    """
    length, logits, losses = context - len(before), {}, []
    for place in range(0 if before else 1, len(ids)):
        begin = stride * max(0, math.ceil((place + 1 - length) / stride))
        if begin not in logits:
            fed = [*before, *ids[begin : begin + length]]
            with torch.no_grad():
                logits[begin] = plain(torch.tensor([fed]), use_cache=False).logits[0].double()
        asked = logits[begin][len(before) + place - begin - 1]
        losses.append(-asked.log_softmax(-1)[ids[place]])
    return torch.stack(losses)
