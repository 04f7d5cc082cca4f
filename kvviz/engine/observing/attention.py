"""The attention that kvviz's models use: eager attention that an observer can watch.

It is registered with transformers once, on import, and chosen by name when a model is loaded.
"""

from __future__ import annotations

from collections.abc import Callable
from math import frexp
from typing import Any

import torch
from torch import Tensor
from transformers import AttentionInterface
from transformers.masking_utils import AttentionMaskInterface, eager_mask

from kvviz.engine.observing.observation import Attended, StepObservation, is_cross_attention
from kvviz.engine.observing.shared_observation import SharedObservation

ATTENTION_NAME = "kvviz_observed"

_NOTHING = torch.zeros(())
"""What is added to a product to which nothing is added, and never read."""


def observed_attention(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float,
    position_bias: Tensor | None = None,
    kvviz_observation: StepObservation | None = None,
    sliding_window: int | None = None,
    kvviz_bias: Callable[[int], Tensor] | None = None,
    kvviz_weighed: Callable[[int, Tensor], object] | None = None,
    **_: Any,
) -> tuple[Tensor, Tensor | None]:
    """Attend as transformers' eager attention does, and report the operands.

    In a pass that several runs share each run attends by itself, over the rows that its own cache
    gave; keys, values and mask of the whole are not read.

    Args:
        module: The attention layer that calls.
        query: Query rows, shape ``batch head query d_head``.
        key: Key rows, shape ``batch kv_head key d_head``; each head of them serves as many query
            heads, which stand together.
        value: Value rows likewise.
        attention_mask: What to add to the scores, or None where nothing is masked.
        scaling: Factor on the scores.
        position_bias: What a T5 adds to the scores for the distance of key and query, or None.
        kvviz_observation: Who watches, or None.
        sliding_window: How many positions a query sees, its own among them, or None for all. Only a
            pass that several runs share heeds it: else the mask tells.
        kvviz_bias: Gives the bias of a layer whose keys are not those of all positions, of which
            the model knows nothing; None where its own is right.
        kvviz_weighed: Told the weights of each layer, shape ``batch head query key``, or None. Like
            the bias it is of self-attention alone.

    Returns:
        Weighted values, shape ``batch query head d_head``, and the weights; none of a pass that
        several runs share.

    Source: Vaswani et al. (2017), section 3.2.1; grouped heads: Ainslie et al. (2023), section 2.2.
    """
    if isinstance(kvviz_observation, SharedObservation):
        return _attend_apart(module, query, scaling, kvviz_observation, sliding_window), None
    if kvviz_bias is not None and not is_cross_attention(module):
        position_bias = kvviz_bias(module.layer_idx)
    if kvviz_observation is not None:
        kvviz_observation.saw_attention(
            Attended(module.layer_idx, query, key, value, scaling, attention_mask, position_bias),
            cross=is_cross_attention(module),
        )
    if query.element_size() < 4 and getattr(module, "reorder_and_upcast_attn", False):
        query, key = query.float(), key.float()
    scores = grouped_product(query, key.transpose(-1, -2), scaling)  # batch head query key
    if position_bias is not None:
        scores = scores + position_bias
    if attention_mask is not None:
        scores = scores + attention_mask
    weights = scores.softmax(-1)
    if weights.dtype != value.dtype:
        weights = weights.to(value.dtype)
    if kvviz_weighed is not None and not is_cross_attention(module):
        kvviz_weighed(module.layer_idx, weights)
    return grouped_product(weights, value).transpose(1, 2), weights


def grouped_product(rows: Tensor, columns: Tensor, factor: float | None = None) -> Tensor:
    """Multiply the rows of each query head with the matrix of the KV head that serves it.

    Heads of one group stand below each other in one product, so that no matrix is copied for them.
    Rows of 16 bits on a processor are multiplied in float32 and rounded once, as torch does too:
    by itself it takes twice as long for matrices as small as these, or that lie in a larger one.
    Of one text everything is said to torch in as few words as it takes: in a decode step to say it
    takes longer than to do it (decision 58).

    Args:
        rows: Shape ``batch head row n``.
        columns: Shape ``batch kv_head n column``.
        factor: What to multiply the product with, or None.

    Returns:
        Shape ``batch head row column``.
    """
    n_texts, n_heads, n_rows, width = rows.shape
    n_kv_heads, n_columns = columns.shape[1], columns.shape[-1]
    if n_texts == 1:
        stacked, columns = rows.reshape(n_kv_heads, -1, width), columns.squeeze(0)
    else:
        stacked = rows.reshape(n_texts, n_kv_heads, -1, width)
    on_processor = rows.device.type == "cpu"
    is_short = rows.element_size() < 4 and on_processor
    if is_short:
        stacked, columns = stacked.float(), columns.float()
    if n_texts > 1:
        product = torch.matmul(stacked, columns)
    elif (
        factor is not None
        and frexp(factor)[0] == 0.5
        and on_processor
        and stacked.dtype == torch.float32
    ):
        # A power of two only moves the point: inside the product it gives the bits of one after it.
        product = torch.baddbmm(_NOTHING, stacked, columns, beta=0, alpha=factor)
        factor = None
    else:  # the very product, without the way that leads there from four axes
        product = torch.bmm(stacked, columns)
    if is_short:
        product = product.to(rows.dtype)
    if factor is not None:
        product.mul_(factor)
    return product.view(n_texts, n_heads, n_rows, n_columns)


def _attend_apart(
    module: Any,
    query: Tensor,
    scaling: float,
    observation: SharedObservation,
    window: int | None,
) -> Tensor:
    """Attend run by run; the same shape as of the whole."""
    attended = [
        observed_attention(
            module, rows, key, value, _causal(rows, key, window), scaling, kvviz_observation=part
        )[0]
        for part, rows, (key, value) in zip(
            observation.parts,
            query.split(observation.lengths, dim=-2),
            observation.rows,
            strict=True,
        )
    ]
    return torch.cat(attended, dim=1)


def _causal(query: Tensor, key: Tensor, window: int | None) -> Tensor | None:
    """Return what `observed_mask` gives for the last rows of a run that read all of its keys."""
    n_queries, n_keys = query.shape[-2], key.shape[-2]
    if n_queries == 1 and (window is None or n_keys <= window):
        return None
    mask = query.new_full((1, 1, n_queries, n_keys), torch.finfo(query.dtype).min)
    behind = mask.triu(n_keys - n_queries + 1)
    return behind if window is None else behind + mask.tril(n_keys - n_queries - window)


def observed_mask(
    q_length: int,
    q_offset: int = 0,
    kv_offset: int = 0,
    attention_mask: Tensor | None = None,
    local_size: int | None = None,
    **rest: Any,
) -> Tensor | None:
    """Return the mask of a forward pass; None for a single query that may see every key.

    It may where no key is padding, and none lies before the window of the layer.

    Args:
        q_length: Queries.
        q_offset: Position of the first of them.
        kv_offset: Position of the first key.
        attention_mask: Which keys are no padding, or None if none is.
        local_size: How many positions a query sees, its own among them; None for all.
        rest: What transformers' own mask is made of besides.
    """
    sees_all = local_size is None or kv_offset > q_offset - local_size
    if q_length == 1 and attention_mask is None and sees_all:
        return None
    return eager_mask(
        q_length=q_length,
        q_offset=q_offset,
        kv_offset=kv_offset,
        attention_mask=attention_mask,
        local_size=local_size,
        **rest,
    )


AttentionInterface.register(ATTENTION_NAME, observed_attention)
AttentionMaskInterface.register(ATTENTION_NAME, observed_mask)
