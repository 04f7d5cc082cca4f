"""How many floating-point operations one forward pass of a GPT-2 takes, in closed form."""

from __future__ import annotations

from kvviz.trace.model_card import ModelCard


def forward_flops(card: ModelCard, n_new: int, n_keys: int, n_logits: int = 1) -> int:
    """Count the matrix-product FLOPs of one forward pass, a multiply-add as two.

    With q new rows, n keys, width D, MLP width I, vocabulary V, L layers and r rows of logits:
    ``L (6qD^2 + 2qD^2 + 4qDI + 4qnD) + 2rDV``: the Q, K and V projections, the output projection,
    the two MLP products, scores and weighted values, and the language-model head. Norms,
    activations and softmax are left out, as torch's ``FlopCounterMode`` leaves them out; the whole
    q x n square of the attention is counted, masked cells included, because eager attention
    computes it.

    Args:
        card: The model's shape.
        n_new: Rows that go through the network, at least 1.
        n_keys: Rows that they attend to, cached ones and themselves.
        n_logits: Rows for which logits are computed, 1 when generating.

    Returns:
        Floating-point operations, a whole number.

    Source: counting from the architecture in Radford et al. (2019), section 2.3; held equal to
    ``torch.utils.flop_counter.FlopCounterMode`` by a test.
    """
    d, inner = card.d_model, card.d_mlp
    projections = 8 * n_new * d * d
    mlp = 4 * n_new * d * inner
    attention = 4 * n_new * n_keys * d
    return card.n_layers * (projections + mlp + attention) + 2 * n_logits * d * card.d_vocab
