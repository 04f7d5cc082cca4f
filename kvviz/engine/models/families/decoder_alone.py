"""What decoders without an encoder answer alike: one module reads a text and goes on with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Int64
from torch import Tensor
from transformers import PreTrainedModel

from kvviz.engine.models.families.family import Shape
from kvviz.trace.model_card import Architecture


def last_positions(n: int, device: torch.device) -> Int64[Tensor, " n"]:
    """Return which positions a head is to give logits for: so many last ones, from the end.

    One by one, as transformers takes them too, since they come to the head as rows of their own
    then. Given their number alone it leaves them where they lie, among the other positions, and to
    multiply 16-bit weights with such rows torch copies all of those weights on a processor.
    """
    return torch.arange(-n, 0, device=device)


class DecoderAlone:
    """The answers of `CheckpointFamily` that go with having a decoder and nothing else.

    Attributes:
        module: The class of its models, with the head that predicts tokens.
    """

    module: type[PreTrainedModel]
    architecture: Architecture = "decoder"
    has_final_norm = True
    norms_added = False
    other_heads: tuple[str, ...] = ("score.", "classifier.", "qa_outputs.")

    def module_class(
        self, found: Mapping[str, Shape]
    ) -> tuple[type[PreTrainedModel], dict[str, Any]]:
        """Return the class with the head that predicts tokens, which takes no arguments."""
        return self.module, {}

    def writing_inputs(self, tokens: Tensor, n_logits: int = 1) -> dict[str, Any]:
        """Return the arguments of a decode step; only its last rows are asked for what follows."""
        return {"input_ids": tokens, "logits_to_keep": last_positions(n_logits, tokens.device)}

    def reading_inputs(self, tokens: Tensor) -> dict[str, Any]:
        """Return the arguments of a pass over a whole text."""
        return {"input_ids": tokens, "use_cache": False}

    def trial_inputs(self, tokens: Tensor) -> dict[str, Any]:
        """Return the arguments of a pass that keeps nothing."""
        return self.reading_inputs(tokens)

    def reader(self, module: Any) -> Any:
        """Return the module itself."""
        return module
