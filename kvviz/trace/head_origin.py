"""How the queries, keys and values of one head came about: what they were made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float32, Float64

from kvviz.errors import TraceError
from kvviz.trace.arrays import checked_array, checked_index
from kvviz.trace.model_card import ModelCard
from kvviz.translation import gettext as _

RowPart = Literal["query", "key", "value"]
ROW_PARTS: tuple[RowPart, ...] = get_args(RowPart)
"""In the order in which a product that gives all three has them."""

Hidden = Float32[np.ndarray, "position d_model"]


@dataclass(frozen=True, eq=False)
class HeadOrigin:
    """What the rows of one head were made of, and what becomes of its mix.

    A row of the head is the row that entered the product, times the head's columns of the weight,
    plus its bias. Keys and values of cross-attention are made of what the encoder gave.

    Attributes:
        model: The model's card.
        layer: The layer.
        head: The query head; keys and values are those that it reads.
        cross: Whether of the attention to an encoder.
        hidden: Rows that entered the product, after the norm.
        encoder_hidden: The encoder's rows, which keys and values of cross-attention are made of;
            None elsewhere.
        weights: The head's columns of the weight of each part, shape (d_model, d_head).
        biases: What is added, shape (d_head,); empty in a model that adds nothing.
        within: The most that a row so made is off the row that the run's attention used, by part,
            in the unit of the rows.
        stream: The residual stream before the attention.
        added: What the attention added to it: the mixes of all heads through the output projection.

    Raises:
        TraceError: If shapes contradict the card, or a number is not finite.
    """

    model: ModelCard
    layer: int
    head: int
    cross: bool
    hidden: Hidden
    encoder_hidden: Hidden | None
    weights: Mapping[RowPart, Float32[np.ndarray, "d_model d_head"]]
    biases: Mapping[RowPart, Float32[np.ndarray, " d_head"]]
    within: Mapping[RowPart, float]
    stream: Hidden
    added: Hidden

    def __post_init__(self) -> None:
        card = self.model
        checked_index(self.layer, card.n_layers, "layer")
        checked_index(self.head, card.n_heads, "head")
        if self.cross != (self.encoder_hidden is not None):
            raise TraceError(
                _("The rows of cross-attention are made of an encoder's, and no others are."),
                found=_("{name} is a {family}.").format(name=card.name, family=card.family),
            )
        rows = (len(self.hidden), card.d_model)
        for name in ("hidden", "stream", "added"):
            checked_array(getattr(self, name), name, np.float32, shape=rows)
        if self.encoder_hidden is not None:
            shape = (len(self.encoder_hidden), card.d_model)
            checked_array(self.encoder_hidden, "encoder_hidden", np.float32, shape=shape)
        for part in ROW_PARTS:
            shape = (card.d_model, card.d_head)
            checked_array(self.weights[part], f"{part} weight", np.float32, shape=shape)
            if self.biases:
                checked_array(self.biases[part], f"{part} bias", np.float32, shape=shape[1:])

    def inputs(self, part: RowPart) -> Hidden:
        """Return the rows that entered the product of a part."""
        if part == "query" or self.encoder_hidden is None:
            return self.hidden
        return self.encoder_hidden

    def rows(self, part: RowPart) -> Float64[np.ndarray, "position d_head"]:
        """Return the head's rows of a part, made of what entered, the weight and the bias.

        Source: Vaswani et al. (2017), section 3.2.2.
        """
        made = self.inputs(part).astype(np.float64) @ self.weights[part]
        return made + self.biases[part] if self.biases else made
