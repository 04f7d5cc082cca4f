"""What traces of every kind hold of attention: the rows that it used, and their patterns."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32

from kvviz.trace.adapters import Destination, saved
from kvviz.trace.arrays import checked_array, checked_index
from kvviz.trace.attention import attention_scores, attention_weights, check_rows
from kvviz.trace.model_card import ModelCard


class RecordedAttention:
    """Query, key and value rows of one run or pass, as the attention itself used them.

    Axis order is ``layer head position d_head``; a trace that is one documents these attributes.
    """

    model: ModelCard
    queries: Float32[np.ndarray, "layer head position d_head"]
    all_keys: Float32[np.ndarray, "layer kv_head position d_head"]
    all_values: Float32[np.ndarray, "layer kv_head position d_head"]
    score_scale: Float32[np.ndarray, " layer"]
    position_bias: Float32[np.ndarray, "head query key"] | None

    def keys(self, layer: int) -> Float32[np.ndarray, "kv_head position d_head"]:
        """Return the key rows of a layer.

        Raises:
            TraceError: If the layer does not exist.
        """
        return self.all_keys[checked_index(layer, self.model.n_layers, "layer")]

    def values(self, layer: int) -> Float32[np.ndarray, "kv_head position d_head"]:
        """Return the value rows of a layer.

        Raises:
            TraceError: If the layer does not exist.
        """
        return self.all_values[checked_index(layer, self.model.n_layers, "layer")]

    def scores(self, layer: int, head: int) -> Float32[np.ndarray, "query key"]:
        """Return query-key products, scaled and biased, before softmax; NaN where masked.

        Raises:
            TraceError: If layer or head does not exist.
        """
        raise NotImplementedError

    def pattern(self, layer: int, head: int) -> Float32[np.ndarray, "query key"]:
        """Return the attention pattern of a head: what each query weighs each key with.

        Rows come from the queries and keys that attention itself used, put through softmax in
        float32. They sum to 1; cells that the mask forbids are NaN, and so are those of keys that
        a cache had dropped before the query asked.

        Args:
            layer: 0 to n_layers - 1.
            head: 0 to n_heads - 1.

        Returns:
            Weights in [0, 1], a row a query, a column a key.

        Raises:
            TraceError: If layer or head does not exist.

        Source: Vaswani et al. (2017), section 3.2.1.
        """
        return attention_weights(self.scores(layer, head))

    def save(self, path: Destination) -> None:
        """Save the trace as one compressed file that `kvviz.open_trace` reads back bit for bit.

        A file of that name is replaced, and only once the new one is complete.

        Args:
            path: Where to, conventionally ending in ``.npz``; or an open binary file.

        Raises:
            TraceFileError: If it cannot be written, or is too large to be opened again.
        """
        saved(self, path)

    def _head(self, layer: int, head: int) -> tuple[int, int, int]:
        """Return layer, head and the key and value head that it reads, once they are checked."""
        layer = checked_index(layer, self.model.n_layers, "layer")
        head = checked_index(head, self.model.n_heads, "head")
        return layer, head, head * self.model.n_kv_heads // self.model.n_heads

    def _scores(
        self, layer: int, head: int, kv_head: int, *, causal: bool
    ) -> Float32[np.ndarray, "query key"]:
        return attention_scores(
            self.queries[layer, head],
            self.all_keys[layer, kv_head],
            float(self.score_scale[layer]),
            None if self.position_bias is None else self.position_bias[head],
            causal=causal,
            window=self.model.window(layer) if causal else None,
        )

    def _check_attention(self, n_rows: int) -> None:
        """Hold the rows to the model's shape and to so many positions.

        Raises:
            TraceError: If dtype or shape is another, a number is not finite, or products overflow.
        """
        if self.position_bias is not None:
            shape = (self.model.n_heads, n_rows, n_rows)
            checked_array(self.position_bias, "position_bias", np.float32, shape=shape)
        names = ("queries", "all_keys", "all_values", "score_scale")
        rows = {name: getattr(self, name) for name in names}
        check_rows(self.model, rows, n_queries=n_rows, n_keys=n_rows)
