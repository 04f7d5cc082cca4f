"""How many bytes a KV cache takes, and when it outgrows the model, by formula."""

from __future__ import annotations

from kvviz.errors import OptionsError
from kvviz.trace import ModelCard
from kvviz.translation import gettext as _
from kvviz.translation import ngettext


def cache_bytes(card: ModelCard, n_tokens: int, *, batch: int = 1) -> int:
    """Count the bytes of a cache: 2 x layers x KV heads x head width x tokens x batch x width.

    The 2 stands for K and V, the last width for the bytes of a number. GPT-2 small in float32 takes
    73,728 bytes a token, 75.5 MB for 1,024.

    Args:
        card: The model's shape and dtype.
        n_tokens: Positions held, 0 or more.
        batch: Sequences held at the same time, at least 1.

    Raises:
        OptionsError: If there are fewer.
    """
    if n_tokens < 0 or batch < 1:
        raise OptionsError(
            _("A cache holds 0 or more tokens of at least one sequence."),
            found=_("Found {n_tokens} and {batch}.").format(n_tokens=n_tokens, batch=batch),
        )
    return card.cache_bytes_per_token * n_tokens * batch


def weight_bytes(card: ModelCard) -> int:
    """Count the bytes of the model's parameters in its dtype."""
    return card.n_params * card.bytes_per_number


def break_even_tokens(card: ModelCard, *, batch: int = 1) -> int:
    """Return the fewest tokens a sequence at which the cache takes more bytes than the weights.

    It may lie beyond the model's context length.

    Args:
        card: The model's shape and dtype.
        batch: Sequences held at the same time, at least 1.

    Raises:
        OptionsError: If there is no sequence.
    """
    return weight_bytes(card) // cache_bytes(card, 1, batch=batch) + 1


def cache_arithmetic(card: ModelCard) -> str:
    """Spell out the bytes of one token, as ``2 x 6 layers x 8 heads x 32 numbers x 4 bytes``."""
    layers, heads, numbers = card.n_layers, card.n_kv_heads, card.d_head
    width = card.bytes_per_number
    factors = (
        "2",
        ngettext("{n} layer", "{n} layers", layers).format(n=layers),
        ngettext("{n} head", "{n} heads", heads).format(n=heads),
        ngettext("{n} number", "{n} numbers", numbers).format(n=numbers),
        ngettext("{n} byte", "{n} bytes", width).format(n=width),
    )
    return " × ".join(factors)
