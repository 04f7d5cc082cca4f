"""How many floating-point operations a forward pass takes, in closed form.

Matrix products are counted, a multiply-add as two. Norms, activations and softmax are left out, as
torch's ``FlopCounterMode`` leaves them out; the whole square of the attention is counted, masked
cells included, because eager attention computes it. Tests hold each formula here equal to
``torch.utils.flop_counter.FlopCounterMode``.
"""

from __future__ import annotations

from collections.abc import Sequence

from kvviz.errors import TraceError
from kvviz.trace.model_card import ModelCard
from kvviz.translation import gettext as _


def forward_flops(
    card: ModelCard,
    n_new: int,
    n_keys: int | Sequence[int],
    n_logits: int = 1,
    *,
    n_encoder: int = 0,
    n_cross_computed: int = 0,
) -> int:
    """Count the FLOPs of one forward pass of a GPT-2, a Llama, a BERT, or the decoder of a T5.

    With q new rows, n keys, width D, query heads' width together A (equal to D but in some models),
    KV heads' width together B (equal to A but where heads are grouped), MLP width I, vocabulary V,
    L layers and r rows of logits, a model takes
    ``L (2qDA + 4qDB + 2qDA + 4qDI + 4qnA) + 2rDV``: the Q, K and V projections, the output
    projection, the two MLP products, scores and weighted values, and the language-model head. A
    gated MLP has three products, so 6qDI. In a layer with a window of w, n is at most q + w - 1. A
    BERT's head has one more product, 2rD^2. The decoder of a T5 attends to m rows of the encoder as
    well: ``4qDA + 4qmA`` a layer, and ``4cDA`` for the c of them whose cross K/V are computed.

    Args:
        card: The model's shape.
        n_new: Rows that go through the network, at least 1.
        n_keys: Rows that they attend to, cached ones and themselves, where no window hides any; or
            those of each layer, where a cache keeps as many as it likes.
        n_logits: Rows for which logits are computed, 1 when generating.
        n_encoder: Rows of the encoder that a T5 attends to.
        n_cross_computed: Rows of the encoder whose cross K/V are computed in this pass.

    Returns:
        Floating-point operations, a whole number.

    Raises:
        TraceError: If a model without an encoder is said to attend to one.

    Source: counting from the architectures in Radford et al. (2019), section 2.3, Devlin et al.
    (2019), section 3, Raffel et al. (2020), section 2.1, and, for grouped heads and windows,
    Ainslie et al. (2023), section 2.2, and Jiang et al. (2023), section 2.
    """
    crosses = card.architecture == "encoder-decoder"
    if not crosses and (n_encoder or n_cross_computed):
        raise TraceError(
            _("Only a T5 attends to an encoder."),
            found=_("{name} is a {family}.").format(name=card.name, family=card.family),
        )
    layers = _stack_flops(card, card.n_layers, n_new, n_keys)
    width = card.d_model * card.n_heads * card.d_head
    cross = 4 * n_new * width + 4 * n_cross_computed * width
    cross += 4 * n_new * n_encoder * card.n_heads * card.d_head
    head = 2 * n_logits * card.d_model * card.d_vocab
    if card.family == "bert":
        head += 2 * n_logits * card.d_model * card.d_model
    return layers + (card.n_layers * cross if crosses else 0) + head


def encoding_flops(card: ModelCard, n_tokens: int) -> int:
    """Count the FLOPs of reading a text in one pass, with logits at every position.

    Args:
        card: The shape; for the encoder of a T5 the card of its `EncodingTrace`, whose layers are
            the encoder's.
        n_tokens: Tokens that are fed.

    Returns:
        Floating-point operations, a whole number; no head where there is none.
    """
    if card.architecture == "encoder-decoder":
        return _stack_flops(card, card.n_layers, n_tokens, n_tokens)
    return forward_flops(card, n_tokens, n_tokens, n_tokens if card.has_head else 0)


def _stack_flops(card: ModelCard, n_layers: int, n_new: int, n_keys: int | Sequence[int]) -> int:
    inner, kv_inner = card.n_heads * card.d_head, card.n_kv_heads * card.d_head
    projections = 4 * n_new * card.d_model * (inner + kv_inner)
    mlp = (6 if card.mlp_is_gated else 4) * n_new * card.d_model * card.d_mlp
    if not isinstance(n_keys, int):
        n_read = sum(n_keys)
    elif not card.windows:
        n_read = n_layers * n_keys
    else:
        # Of the rows of earlier passes a layer keeps a window less one; those of this one it sees
        # all, masked cells included.
        n_read = sum(n_new + card.n_kept(layer, n_keys - n_new) for layer in range(n_layers))
    return n_layers * (projections + mlp) + 4 * n_new * n_read * inner
