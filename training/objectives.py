"""What a model is asked: the one thing, beside the mask, in which the twins differ."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from transformers import GPT2Config, GPT2LMHeadModel

from training.batches import Rows
from training.recipes import Shape


def build_model(shape: Shape) -> GPT2LMHeadModel:
    """Makes an untrained model; set torch's seed before.

    Args:
        shape: Family and sizes.
    """
    config = GPT2Config(
        vocab_size=shape.d_vocab,
        n_positions=shape.n_ctx,
        n_embd=shape.d_model,
        n_layer=shape.n_layers,
        n_head=shape.n_heads,
        # The same function as GPT-2's gelu_new, computed in one kernel instead of eight.
        activation_function="gelu_pytorch_tanh",
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        bos_token_id=0,
        eos_token_id=0,
    )
    return GPT2LMHeadModel(config)


class NextToken:
    """GPT-2's question: which token comes next?"""

    def inputs(self, rows: Rows, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
        """Returns tokens, positions and targets, each (row position) int64."""
        tokens = torch.from_numpy(rows.tokens).to(device)
        return tokens[:, :-1], torch.from_numpy(rows.positions).to(device), tokens[:, 1:]

    def loss(
        self,
        model: GPT2LMHeadModel,
        tokens: Int64[Tensor, "row position"],
        positions: Int64[Tensor, "row position"],
        targets: Int64[Tensor, "row position"],
    ) -> Float[Tensor, ""]:
        """Returns the mean cross-entropy in nats.

        The blocks are called one by one: given position ids that jump, the model's own forward
        takes the row for several packed texts and hides one part from the other.
        """
        body = model.transformer
        hidden = body.wte(tokens) + body.wpe(positions)
        for block in body.h:
            hidden = block(hidden)
        logits = model.lm_head(body.ln_f(hidden))
        return nn.functional.cross_entropy(logits.float().flatten(0, 1), targets.flatten())
