"""The questions that loading asks a family of models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor
from transformers import PreTrainedModel

from kvviz.trace.head_origin import RowPart
from kvviz.trace.model_card import Architecture
from kvviz.translation import gettext as _
from kvviz.translation import ngettext

Shape = tuple[int, ...]


class Projection(NamedTuple):
    """The product that makes the queries, the keys or the values of an attention layer.

    Attributes:
        weight: Shape ``d_model n_heads * d_head``, so that rows times it are the heads' rows.
        bias: Shape ``n_heads * d_head``, or None in a model that adds none.
        norm: What the row of each head is multiplied by after it was divided by its root mean
            square, shape ``d_head``; None in a model that does not norm it.
        epsilon: What is added to the mean square.
        is_turned: Whether rows are then turned to their position; by how far, `turn` says.
    """

    weight: Tensor
    bias: Tensor | None
    norm: Tensor | None = None
    epsilon: float = 0.0
    is_turned: bool = False


class Turn(NamedTuple):
    """How far pairs of numbers of a query or key are turned, shape ``d_head`` each.

    Of several places in one, shape ``place d_head``. A number is in a pair with the one half a row
    further on. In float32 at least.
    """

    cos: Tensor
    sin: Tensor

    def of(self, rows: Tensor) -> Tensor:
        """Return rows, shape ``... d_head``, turned so.

        Source: Su et al. (2021), “RoFormer”, section 3.4.2, equation 34, pairs as Llama has them.
        """
        first, second = rows.chunk(2, -1)
        return rows * self.cos + torch.cat([-second, first], -1) * self.sin


class CheckpointFamily(Protocol):
    """Everything that the engine must know of a family.

    Attributes:
        name: As in a card.
        model_type: As in config.json, where that is not its name; else empty.
        title: As people write it.
        config_class: The class of its configs.
        settings: Settings of a config that shape the model; all others are left where they are.
        sizes: Those of them that are counts, at least 1.
        activation: The setting that names the activation function.
        architecture: Which halves of a transformer it has; a model's card must say the same.
        n_projections: Products that give the keys and values of a layer, each of which reports
            its rows to who watches.
        adds_ends: Whether its tokenizer puts tokens around a text that is read; of a decoder those
            before it, with which a prompt begins too.
        has_final_norm: Whether a norm follows its last layer, and reports.
        norms_added: Whether what attention adds to the stream is normed first.
        other_heads: How the names of heads for other tasks begin, which are left out.
    """

    name: str
    model_type: str
    title: str
    config_class: type
    settings: tuple[str, ...]
    sizes: tuple[str, ...]
    activation: str
    architecture: Architecture
    n_projections: int
    adds_ends: bool
    has_final_norm: bool
    norms_added: bool
    other_heads: tuple[str, ...]

    def refusal(self, settings: dict[str, Any]) -> str:
        """Say in a sentence why a model with these settings is none of the family, or return ''."""
        ...

    def check(self, config: Any) -> str:
        """Say in a sentence what in a config fits no model, or return ''."""
        ...

    def plain_name(self, name: str) -> str:
        """Return the name of a tensor as `expected` has it, or '' for one that says nothing.

        A tensor that says nothing is a copy of another, or was never used.
        """
        ...

    def layer_counts(self, config: Any) -> dict[str, int]:
        """Return how many layers there are under each prefix of plain names."""
        ...

    def expected(
        self, config: Any, found: Mapping[str, Shape], settings: Mapping[str, Any]
    ) -> Iterator[tuple[str, Shape]]:
        """Yield name and shape of every tensor that a checkpoint must have.

        Args:
            config: Of the family's `config_class`.
            found: The tensors it has, by plain name, for what may be there or not.
            settings: What config.json says, for what `config` no longer tells.
        """
        ...

    def module_class(
        self, found: Mapping[str, Shape]
    ) -> tuple[type[PreTrainedModel], dict[str, Any]]:
        """Return the class that a checkpoint with these tensors is, and its arguments."""
        ...

    def card_facts(self, config: Any, found: Mapping[str, Shape]) -> dict[str, Any]:
        """Return what a card says of the shape, but for its context length."""
        ...

    def n_ctx(self, config: Any, tokenizer: Any) -> int:
        """Return the longest sequence, in tokens."""
        ...

    def writing_inputs(self, tokens: Tensor, n_logits: int = 1) -> dict[str, Any]:
        """Return the arguments of a decode step that feeds these tokens, shape ``1 position``.

        A decoder alone gives logits for so many last positions.
        """
        ...

    def reading_inputs(self, tokens: Tensor) -> dict[str, Any]:
        """Return the arguments of what `reader` returned, for a pass over a whole text."""
        ...

    def trial_inputs(self, tokens: Tensor) -> dict[str, Any]:
        """Return the arguments of a pass through all of the model that keeps nothing."""
        ...

    def reader(self, module: Any) -> Any:
        """Return the part of a module that reads a text."""
        ...

    def watch(self, module: Any) -> None:
        """Let observers hear of the layers of a module; once, at load."""
        ...

    def projection(self, module: Any, layer: int, part: RowPart, *, cross: bool) -> Projection:
        """Return what makes the queries, keys or values of a layer that writes.

        Args:
            module: The module.
            layer: Of its decoder; of its only stack in a model that has one.
            part: Which of the three.
            cross: Whether of the attention to an encoder.
        """
        ...

    def turn(self, module: Any, layer: int, n_places: int | Tensor) -> Turn | None:
        """Return what turns a layer's queries and keys so many places on; several in one tensor.

        None where positions are told in another way, and no turn moves a row.
        """
        ...


def too_small(setting: str, found: object, least: int) -> str:
    """Return what `CheckpointFamily.check` says of a setting below its least value."""
    return _("{setting} is {found}, and must be at least {least}.").format(
        setting=setting, found=found, least=least
    )


def uncut(width: int, n_heads: int) -> str:
    """Return what `CheckpointFamily.check` says of a width that is no multiple of the heads."""
    return ngettext(
        "A width of {width} cannot be cut into {n} head.",
        "A width of {width} cannot be cut into {n} heads.",
        n_heads,
    ).format(width=width, n=n_heads)
