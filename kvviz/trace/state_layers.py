"""Layers that keep a state of constant size in place of rows, or beside them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal, get_args

from kvviz.errors import TraceError
from kvviz.translation import gettext as _

# not for people: names of methods, as their papers write them
StateKind = Literal[
    "Mamba", "Mamba-2", "Gated DeltaNet", "KDA", "lightning attention", "short convolution",
    "RG-LRU", "RWKV-4",
]  # fmt: skip


@dataclass(frozen=True)
class StateLayers:
    """What a layer keeps whose past is folded into a state; 0 where it has no such thing.

    Attributes:
        kind: By what rule a token changes the state.
        n_layers: Layers that keep one.
        n_heads: Heads, each with a matrix of `d_key` by `d_value` numbers.
        d_key: One side of that matrix: the state size of Mamba and Mamba-2; 1 of the RG-LRU, 3 of
            RWKV-4 (numerator, denominator, largest exponent).
        d_value: The other side: the width of a head; of the kinds without heads their whole inner
            width, with `n_heads` 1.
        n_groups: Groups that share their keys: B and C of Mamba-2, key heads of Gated DeltaNet,
            blocks of the gates of the RG-LRU.
        d_conv: Positions of the short convolution's input that are kept beside the matrix.
        d_rank: Width through which a gate is made: of the steps in Mamba, of both gates in KDA;
            0 in KDA where they are made at once.
        is_normed: Whether a norm follows what is read from the state, where a kind leaves that open
            (Mamba-2); of Mamba, whether steps, B and C pass norms of their own, as in Jamba.

    Raises:
        TraceError: If the kind is unknown, a number is negative, or no layer keeps anything.
    """

    kind: StateKind
    n_layers: int
    n_heads: int
    d_key: int
    d_value: int
    n_groups: int = 0
    d_conv: int = 0
    d_rank: int = 0
    is_normed: bool = False

    def __post_init__(self) -> None:
        if self.kind not in get_args(StateKind):
            raise TraceError(
                _("A state's kind is one of {allowed}.").format(
                    allowed=", ".join(get_args(StateKind))
                ),
                found=_("It says {value!r}.").format(value=self.kind),
            )
        for field in fields(self):
            value = getattr(self, field.name)
            if field.type == "int" and (type(value) is not int or value < 0):
                raise TraceError(
                    _("A state needs whole numbers from 0 up."),
                    found=_("{name} is {value!r}.").format(name=field.name, value=value),
                )
        if not self.n_layers or not self.n_matrix_numbers + self.n_conv_numbers:
            raise TraceError(
                _("A state of constant size is kept by some layer and holds some number."),
                found=_("{name} is {value!r}.").format(name="n_layers", value=self.n_layers)
                if not self.n_layers
                else _("It holds none."),
            )

    @property
    def inner_width(self) -> int:
        """Width of what is written to the state and read from it, over all heads."""
        return self.n_heads * self.d_value

    @property
    def n_matrix_numbers(self) -> int:
        """Numbers of a layer's state matrices."""
        return self.n_heads * self.d_key * self.d_value

    @property
    def n_channels(self) -> int:
        """Channels of which a layer keeps the last `d_conv` positions."""
        if self.kind in ("Mamba-2", "Gated DeltaNet"):
            return self.inner_width + 2 * self.n_groups * self.d_key
        if self.kind == "KDA":
            return self.inner_width + 2 * self.n_heads * self.d_key
        # RWKV-4 looks back by one token in attention and in its MLP.
        return self.inner_width * (2 if self.kind == "RWKV-4" else 1)

    @property
    def n_conv_numbers(self) -> int:
        """Numbers of a layer's kept positions."""
        return self.n_channels * self.d_conv
