"""The attention that kvviz's models use: eager attention that an observer can watch.

It is registered with transformers once, on import, and chosen by name when a model is loaded.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor
from transformers import AttentionInterface
from transformers.masking_utils import AttentionMaskInterface, eager_mask

from kvviz.engine.observing.observation import Attended, StepObservation, is_cross_attention

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
) -> tuple[Tensor, Tensor]:
    """Attend as transformers' eager attention does, and report the operands.

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
        Weighted values, shape ``batch query head d_head``, and the weights.

    Source: Vaswani et al. (2017), section 3.2.1.
    """
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


def observed_mask(
    q_length: int, attention_mask: Tensor | None = None, **rest: Any
) -> Tensor | None:
    """Return the mask of a forward pass; None for a single query, which may see every key."""
    if q_length == 1 and attention_mask is None:
        return None
    return eager_mask(q_length=q_length, attention_mask=attention_mask, **rest)


AttentionInterface.register(ATTENTION_NAME, observed_attention)
AttentionMaskInterface.register(ATTENTION_NAME, observed_mask)
