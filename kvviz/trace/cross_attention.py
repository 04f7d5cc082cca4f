"""What the decoder of a T5 attended to in its encoder during one generation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int64

from kvviz.errors import TraceError
from kvviz.trace.arrays import checked_array, checked_index
from kvviz.trace.attention import attention_scores, attention_weights, check_rows
from kvviz.trace.encoding import EncodingTrace
from kvviz.trace.model_card import ModelCard
from kvviz.translation import gettext as _


@dataclass(frozen=True, eq=False)
class CrossAttention:
    """Cross-attention of one run, all its layers.

    Axis order is ``layer head position d_head``. With the cache, keys and values are the rows as
    they were computed at the first step and read ever after; without it, those of the last step.

    Attributes:
        encoder: The pass of the encoder, which is read once in either case.
        queries: Query rows of all decoder positions that were fed.
        keys: Key rows, one an encoder position.
        values: Value rows likewise.
        score_scale: Factor on query-key products before softmax, one a layer.
        written_fingerprints: A 64-bit fingerprint of each K row ([0]) and V row ([1]) taken when
            it was written.
        final_fingerprints: The same taken after the last step.

    Raises:
        TraceError: If dtypes or shapes contradict each other, or a number is not finite.
    """

    encoder: EncodingTrace
    queries: Float32[np.ndarray, "layer head position d_head"]
    keys: Float32[np.ndarray, "layer kv_head encoder_position d_head"]
    values: Float32[np.ndarray, "layer kv_head encoder_position d_head"]
    score_scale: Float32[np.ndarray, " layer"]
    written_fingerprints: Int64[np.ndarray, "2 layer encoder_position"]
    final_fingerprints: Int64[np.ndarray, "2 layer encoder_position"]

    @property
    def n_encoder(self) -> int:
        """Tokens that the encoder read."""
        return self.encoder.n_tokens

    def check(self, card: ModelCard, n_rows: int) -> None:
        """Hold the arrays to a model and to the rows that its decoder fed.

        Raises:
            TraceError: If they do not fit.
        """
        encoder = self.encoder.model
        same = (encoder.name, encoder.n_layers, encoder.d_model, encoder.n_heads, encoder.d_head)
        if same != (card.name, card.n_encoder_layers, card.d_model, card.n_heads, card.d_head):
            raise TraceError(
                _("Encoder and decoder are of one model."),
                found=_("They are of {encoder} and {decoder}.").format(
                    encoder=encoder.name, decoder=card.name
                ),
            )
        for name in ("written_fingerprints", "final_fingerprints"):
            shape = (2, card.n_layers, self.n_encoder)
            checked_array(getattr(self, name), f"cross {name}", np.int64, shape=shape)
        names = ("queries", "keys", "values", "score_scale")
        rows = {f"cross {name}": getattr(self, name) for name in names}
        check_rows(card, rows, n_queries=n_rows, n_keys=self.n_encoder)

    def scores(self, layer: int, head: int) -> Float32[np.ndarray, "query encoder_position"]:
        """Return scaled query-key products before softmax.

        Raises:
            TraceError: If layer or head does not exist.
        """
        n_layers, n_heads = self.queries.shape[:2]
        layer = checked_index(layer, n_layers, "layer")
        head = checked_index(head, n_heads, "head")
        return attention_scores(
            self.queries[layer, head],
            self.keys[layer, head * self.keys.shape[1] // n_heads],
            float(self.score_scale[layer]),
        )

    def pattern(self, layer: int, head: int) -> Float32[np.ndarray, "query encoder_position"]:
        """Return what each decoder position weighs each encoder position with.

        Returns:
            Weights in [0, 1], rows summing to 1; nothing is masked.

        Raises:
            TraceError: If layer or head does not exist.

        Source: Vaswani et al. (2017), section 3.2.3.
        """
        return attention_weights(self.scores(layer, head))
