"""The attention that kvviz's models use: eager attention that an observer can watch.

It is registered with transformers once, on import, and chosen by name when a model is loaded.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers import AttentionInterface
from transformers.masking_utils import AttentionMaskInterface, eager_mask

from kvviz.engine.observing.observation import Attended, StepObservation, is_cross_attention
from kvviz.engine.observing.shared_observation import SharedObservation

ATTENTION_NAME = "kvviz_observed"


def observed_attention(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float,
    position_bias: Tensor | None = None,
    kvviz_observation: StepObservation | None = None,
    **_: Any,
) -> tuple[Tensor, Tensor | None]:
    """Attend as transformers' eager attention does, and report the operands.

    In a pass that several runs share each run attends by itself, over the rows that its own cache
    gave; keys, values and mask of the whole are not read.

    Args:
        module: The attention layer that calls.
        query: Query rows, shape ``batch head query d_head``.
        key: Key rows, shape ``batch head key d_head``.
        value: Value rows likewise.
        attention_mask: What to add to the scores, or None where nothing is masked.
        scaling: Factor on the scores.
        position_bias: What a T5 adds to the scores for the distance of key and query, or None.
        kvviz_observation: Who watches, or None.

    Returns:
        Weighted values, shape ``batch query head d_head``, and the weights; none of a pass that
        several runs share.

    Source: Vaswani et al. (2017), section 3.2.1.
    """
    if isinstance(kvviz_observation, SharedObservation):
        return _attend_apart(module, query, scaling, kvviz_observation), None
    if kvviz_observation is not None:
        kvviz_observation.saw_attention(
            Attended(module.layer_idx, query, key, value, scaling, attention_mask, position_bias),
            cross=is_cross_attention(module),
        )
    if getattr(module, "reorder_and_upcast_attn", False) and query.element_size() < 4:
        query, key = query.float(), key.float()
    scores = query @ key.transpose(-1, -2) * scaling  # batch head query key
    if position_bias is not None:
        scores = scores + position_bias
    if attention_mask is not None:
        scores = scores + attention_mask
    weights = scores.softmax(-1).to(value.dtype)
    return (weights @ value).transpose(1, 2), weights


def _attend_apart(
    module: Any, query: Tensor, scaling: float, observation: SharedObservation
) -> Tensor:
    """Attend run by run; the same shape as of the whole."""
    attended = [
        observed_attention(
            module, rows, key, value, _causal(rows, key), scaling, kvviz_observation=part
        )[0]
        for part, rows, (key, value) in zip(
            observation.parts,
            query.split(observation.lengths, dim=-2),
            observation.rows,
            strict=True,
        )
    ]
    return torch.cat(attended, dim=1)


def _causal(query: Tensor, key: Tensor) -> Tensor | None:
    """Return what `observed_mask` gives for the last rows of a run that read all of its keys."""
    n_queries, n_keys = query.shape[-2], key.shape[-2]
    if n_queries == 1:
        return None
    mask = query.new_full((1, 1, n_queries, n_keys), torch.finfo(query.dtype).min)
    return mask.triu(n_keys - n_queries + 1)


def observed_mask(
    q_length: int, attention_mask: Tensor | None = None, **rest: Any
) -> Tensor | None:
    """Return the mask of a forward pass; None for a single query, which may see every key."""
    if q_length == 1 and attention_mask is None:
        return None
    return eager_mask(q_length=q_length, attention_mask=attention_mask, **rest)


AttentionInterface.register(ATTENTION_NAME, observed_attention)
AttentionMaskInterface.register(ATTENTION_NAME, observed_mask)
