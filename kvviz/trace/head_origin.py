"""How the queries, keys and values of one head came about: what they were made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
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
    plus its bias. Keys and values of cross-attention are made of what the encoder gave. In some
    models queries and keys are then divided by their root mean square and multiplied by a weight,
    and in those with rotary positions turned: pairs of numbers, one half a row apart.

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
        added: What the attention added to it: the mixes of all heads through the output projection,
            and through a norm where `added_is_normed`.
        norms: What normed queries and keys are multiplied by, shape (d_head,); empty in a model
            that norms neither.
        epsilon: What is added to the mean square before its root is taken.
        cos: Cosines by which the pairs of a row at each position are turned, shape
            (position, d_head / 2); None where queries and keys are not turned.
        sin: Sines, likewise.
        added_is_normed: Whether a norm stands between the output projection and the stream.

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
    norms: Mapping[RowPart, Float32[np.ndarray, " d_head"]] = field(
        default_factory=dict[RowPart, Float32[np.ndarray, " d_head"]]
    )
    epsilon: float = 0.0
    cos: Float32[np.ndarray, "position pair"] | None = None
    sin: Float32[np.ndarray, "position pair"] | None = None
    added_is_normed: bool = False

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
        for part, norm in self.norms.items():
            checked_array(norm, f"{part} norm", np.float32, shape=(card.d_head,))
        for name, turns in (("cos", self.cos), ("sin", self.sin)):
            if turns is not None:
                pairs = (len(self.hidden), card.d_head // 2)
                checked_array(turns, name, np.float32, shape=pairs)

    def inputs(self, part: RowPart) -> Hidden:
        """Return the rows that entered the product of a part."""
        if part == "query" or self.encoder_hidden is None:
            return self.hidden
        return self.encoder_hidden

    def products(self, part: RowPart) -> Float64[np.ndarray, "position d_head"]:
        """Return what a part's product gives: of what entered, the weight and the bias.

        Source: Vaswani et al. (2017), section 3.2.2.
        """
        made = self.inputs(part).astype(np.float64) @ self.weights[part]
        return made + self.biases[part] if self.biases else made

    def rows(self, part: RowPart) -> Float64[np.ndarray, "position d_head"]:
        """Return the head's rows of a part as attention uses them: normed and turned, where so.

        Source: Zhang and Sennrich (2019), “Root Mean Square Layer Normalization”, section 4; Su et
        al. (2021), “RoFormer”, section 3.4.2, equation 34, pairs as Llama has them.
        """
        made = self.products(part)
        if part in self.norms:
            square = np.mean(made * made, axis=-1, keepdims=True)
            made = made / np.sqrt(square + self.epsilon) * self.norms[part]
        if part == "value" or self.cos is None or self.sin is None:
            return made
        first, second = np.split(made, 2, axis=-1)
        return np.concatenate(
            [first * self.cos - second * self.sin, second * self.cos + first * self.sin], axis=-1
        )
