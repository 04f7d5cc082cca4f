"""What a model's cache would take in number formats of other widths, by formula."""

from __future__ import annotations

from dataclasses import dataclass

from kvviz.analysis.cache_size import bits
from kvviz.analysis.memory import weight_bytes
from kvviz.trace import ModelCard

WIDTHS = {"fp32": "float32", "fp16": "float16", "int8": "8 bits"}
"""Formats as people call them, and their key in `kvviz.analysis.cache_size.BITS`."""


@dataclass(frozen=True)
class CacheWidth:
    """A cache in one number format; none of this is a measurement.

    Attributes:
        name: ``fp32``, ``fp16`` or ``int8``.
        bytes_per_token: Bytes of one position, over all layers and heads. The scales that a
            quantised format needs beside its numbers are left out.
        full_context: Bytes of a sequence as long as the model can take.
        break_even: Fewest tokens of a sequence at which a batch's cache takes more bytes than the
            weights as they are loaded. May lie beyond the model's context.
    """

    name: str
    bytes_per_token: int
    full_context: int
    break_even: int


def cache_widths(card: ModelCard, *, batch: int = 1) -> tuple[CacheWidth, ...]:
    """Return the cache of a model in each format.

    Args:
        card: The model's shape.
        batch: Sequences at the same time, for the break-even.
    """
    found: list[CacheWidth] = []
    for name, number in WIDTHS.items():
        per_token = 2 * card.n_layers * card.n_kv_heads * card.d_head * bits(number) // 8
        found.append(
            CacheWidth(
                name,
                per_token,
                per_token * card.n_ctx,
                weight_bytes(card) // (per_token * batch) + 1,
            )
        )
    return tuple(found)


def sequences_that_fit(free: int, per_sequence: int) -> int:
    """Return how many sequences fit into the bytes that are free."""
    return max(free, 0) // per_sequence
