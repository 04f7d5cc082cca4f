"""The questions that loading asks a family of models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from transformers import PreTrainedModel

from kvviz.trace.model_card import Family

Shape = tuple[int, ...]


class CheckpointFamily(Protocol):
    """Everything that loading must know of a family.

    Attributes:
        name: As ``model_type`` in config.json and as in a card.
        title: As people write it.
        config_class: The class of its configs.
        settings: Settings of a config that shape the model; all others are left where they are.
        sizes: Those of them that are counts, at least 1.
        activation: The setting that names the activation function.
    """

    name: Family
    title: str
    config_class: type
    settings: tuple[str, ...]
    sizes: tuple[str, ...]
    activation: str

    def refusal(self, settings: dict[str, Any]) -> str:
        """Say why a model with these settings is none of the family after all, or return ''."""
        ...

    def check(self, config: Any) -> str:
        """Say what in a config fits no model, or return ''."""
        ...

    def plain_name(self, name: str) -> str:
        """Return the name of a tensor as `expected` has it, or '' for one that is not needed."""
        ...

    def layer_counts(self, config: Any) -> dict[str, int]:
        """Return how many layers there are under each prefix of plain names."""
        ...

    def expected(self, config: Any, found: Mapping[str, Shape]) -> Iterator[tuple[str, Shape]]:
        """Yield name and shape of every tensor that a checkpoint must have.

        Args:
            config: Of the family's `config_class`.
            found: The tensors it has, by plain name, for what may be there or not.
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

    def watch(self, module: Any) -> None:
        """Let observers hear of the layers of a module; once, at load."""
        ...
