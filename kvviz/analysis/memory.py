"""How many bytes a KV cache takes, and when it outgrows the model, by formula."""

from __future__ import annotations

from dataclasses import replace

from kvviz.errors import OptionsError
from kvviz.trace import ModelCard
from kvviz.translation import gettext as _
from kvviz.translation import ngettext


def cache_bytes(card: ModelCard, n_tokens: int, *, batch: int = 1) -> int:
    """Count the bytes of a cache: 2 x layers x KV heads x head width x tokens x batch x width.

    The 2 stands for K and V, the last width for the bytes of a number. GPT-2 small in float32 takes
    73,728 bytes a token, 75.5 MB for 1,024. A layer with a window holds no more than that, less the
    row that the next token brings.

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
    return card.cache_bytes(n_tokens) * batch


def cache_bytes_unshared(
    card: ModelCard, n_tokens: int, *, groups: bool = False, windows: bool = False
) -> int:
    """Count the bytes that the same model's cache would take without what makes it smaller.

    Args:
        card: The model's shape and dtype.
        n_tokens: Positions held, 0 or more.
        groups: Whether query heads share KV heads as they do; else each has one of its own.
        windows: Whether layers keep to their windows; else each keeps every row.

    Source: `cache_bytes`, of a card in which only that is changed.
    """
    n_kv_heads = card.n_kv_heads if groups else card.n_heads
    alternative = replace(card, n_kv_heads=n_kv_heads, windows=card.windows if windows else ())
    return cache_bytes(alternative, n_tokens)


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
        OptionsError: If there is no sequence, or the cache stops growing before that, since every
            layer has a window.
    """
    weights = weight_bytes(card)
    if card.windows and all(card.windows):
        most = cache_bytes(card, max(card.windows), batch=batch)
        if most <= weights:
            raise OptionsError(
                _("The cache of this model never takes more bytes than its weights."),
                found=_(
                    "With every window full it takes {most:,} B, the weights {weights:,} B."
                ).format(most=most, weights=weights),
            )
    too_few, enough = 0, 1
    while cache_bytes(card, enough, batch=batch) <= weights:
        too_few, enough = enough, 2 * enough
    while enough - too_few > 1:
        middle = (too_few + enough) // 2
        if cache_bytes(card, middle, batch=batch) <= weights:
            too_few = middle
        else:
            enough = middle
    return enough


def cache_arithmetic(card: ModelCard) -> str:
    """Spell out the bytes of one token, as ``2 x 6 layers x 8 heads x 32 numbers x 4 bytes``."""
    layers, numbers, width = card.n_layers, card.d_head, card.bytes_per_number
    factors = (
        "2",
        ngettext("{n} layer", "{n} layers", layers).format(n=layers),
        _counted_heads(card),
        ngettext("{n} number", "{n} numbers", numbers).format(n=numbers),
        ngettext("{n} byte", "{n} bytes", width).format(n=width),
    )
    return " × ".join(factors)


def _counted_heads(card: ModelCard) -> str:
    n = card.n_kv_heads
    if n < card.n_heads:
        return ngettext("{n} KV head", "{n} KV heads", n).format(n=n)
    return ngettext("{n} head", "{n} heads", n).format(n=n)
