"""From query and key rows to attention patterns, for traces of every kind."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float32

from kvviz.errors import TraceError
from kvviz.trace.arrays import checked_array
from kvviz.trace.model_card import ModelCard
from kvviz.translation import gettext as _


def attention_scores(
    queries: Float32[np.ndarray, "query d_head"],
    keys: Float32[np.ndarray, "key d_head"],
    scale: float,
    bias: Float32[np.ndarray, "query key"] | None = None,
    *,
    causal: bool = False,
    window: int | None = None,
) -> Float32[np.ndarray, "query key"]:
    """Return scaled query-key products plus a bias, NaN where the mask forbids.

    Args:
        queries: Query rows of one head.
        keys: Key rows of one head.
        scale: Factor on the products; 1 in a T5, which does not scale.
        bias: What the model adds to each score for the distance of key and query; none if None.
        causal: Whether a query sees no key behind its own position.
        window: How many positions it sees, its own among them; None for all.
    """
    scores: Float32[np.ndarray, "query key"] = queries @ keys.T * np.float32(scale)
    if bias is not None:
        scores = scores + bias
    if causal:
        scores[np.triu_indices(len(scores), k=1)] = np.nan
    if window is not None:
        scores[np.tril_indices(len(scores), k=-window)] = np.nan
    return scores


def attention_weights(
    scores: Float32[np.ndarray, "query key"],
) -> Float32[np.ndarray, "query key"]:
    """Return the softmax of each row in float32; NaN stays NaN.

    Source: Vaswani et al. (2017), section 3.2.1.
    """
    weights = np.exp(scores - np.nanmax(scores, axis=1, keepdims=True))
    return weights / np.nansum(weights, axis=1, keepdims=True)


def check_rows(
    card: ModelCard, rows: dict[str, np.ndarray[Any, Any]], *, n_queries: int, n_keys: int
) -> None:
    """Hold what attention used to a model's shape, and to sizes whose products float32 can hold.

    Args:
        card: The model's shape.
        rows: Queries, keys, values and the factor on their products, one a layer, in this order;
            each by what it is called in a message.
        n_queries: Positions that asked.
        n_keys: Positions that were asked.

    Raises:
        TraceError: If dtype or shape is another, a number is not finite, or products overflow.
    """
    kept = (card.n_layers, card.n_kv_heads, n_keys, card.d_head)
    asking = (card.n_layers, card.n_heads, n_queries, card.d_head)
    shapes = (asking, kept, kept, (card.n_layers,))
    for (name, array), shape in zip(rows.items(), shapes, strict=True):
        checked_array(array, name, np.float32, shape=shape)
    queries, keys, _values, scale = rows.values()
    check_products(queries, keys, scale)


def check_products(
    queries: np.ndarray[Any, Any], keys: np.ndarray[Any, Any], scale: np.ndarray[Any, Any]
) -> None:
    """Hold queries and keys to sizes whose products float32 can hold.

    Args:
        queries: Shape ``layer head query d_head``.
        keys: Shape ``layer head key d_head``.
        scale: One factor a layer.

    Raises:
        TraceError: If a product could overflow.
    """
    by_layer = (1, 2, 3)
    largest_score = (
        np.abs(queries).max(axis=by_layer).astype(np.float64)
        * np.abs(keys).max(axis=by_layer)
        * np.abs(scale).clip(min=1)
        * queries.shape[-1]
    )
    if (largest_score > np.finfo(np.float32).max).any():
        raise TraceError(
            _("Queries and keys are so large that their products overflow."),
            found=_("A product could reach {largest:.0e}.").format(largest=largest_score.max()),
        )
