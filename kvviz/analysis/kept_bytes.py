"""What a way of keeping rows takes, where a formula says it: a budget of rows, or bits a number."""

from __future__ import annotations

from dataclasses import dataclass

from kvviz.analysis.cache_size import CacheTerm
from kvviz.errors import OptionsError
from kvviz.trace import ModelCard
from kvviz.trace.flops import forward_flops
from kvviz.translation import gettext as _

GROUP = 32
"""Numbers that share a least number and a step, where numbers are packed."""


@dataclass(frozen=True)
class Keeping:
    """A way of keeping rows, as far as a formula goes.

    Attributes:
        rows: Rows that a query may read in each head, its own among them; None for all. So it is of
            a window and of every rule that keeps to a budget, whichever rows they choose.
        bits: Bits of a number of keys and values; None for those of the model's number format.
        group: Numbers that share a least number and a step.

    Raises:
        OptionsError: If a number is below 1.
    """

    rows: int | None = None
    bits: int | None = None
    group: int = GROUP

    def __post_init__(self) -> None:
        if min(one for one in (self.rows, self.bits, self.group) if one is not None) < 1:
            raise OptionsError(
                _("Rows, bits and a group are 1 or more."),
                found=_("Found {rows}, {bits} and {group}.").format(
                    rows=self.rows, bits=self.bits, group=self.group
                ),
            )

    def n_rows(self, n_tokens: int) -> int:
        """Return how many of so many rows are there between two steps: one less than a query reads.

        The row of the next token is still to come.
        """
        return n_tokens if self.rows is None else min(n_tokens, self.rows - 1)

    def bits_a_number(self, plain: int) -> float:
        """Return the bits that a number takes, its part of the group's two numbers among them.

        Args:
            plain: Bits of the model's number format, in which these two are.
        """
        return plain if self.bits is None else self.bits + 2 * plain / self.group


def kept_bytes(card: ModelCard, n_tokens: int, keeping: Keeping) -> int:
    """Count the bytes of a cache of a sequence after a step, rows that wait for a group left out.

    ``layers x 2 x KV heads x head width x rows x bits / 8``, where rows are at most a budget less
    one, and bits those of a number with its part of the scales: ``bits + 2 x format / group``.

    Args:
        card: The model's shape and dtype.
        n_tokens: Positions that were written.
        keeping: What is kept of them.

    Source: counting from the tensors of `kvviz.caches`, with which the tests compare it.
    """
    a_row = 2 * card.n_kv_heads * card.d_head
    n_rows = sum(
        min(card.n_kept(layer, n_tokens), keeping.n_rows(n_tokens))
        for layer in range(card.n_layers)
    )
    return round(n_rows * a_row * keeping.bits_a_number(8 * card.bytes_per_number) / 8)


def step_flops(card: ModelCard, n_tokens: int, keeping: Keeping) -> int:
    """Count the operations of a decode step at a length.

    Args:
        card: The model's shape.
        n_tokens: Positions up to and with the one that is fed.
        keeping: What is kept of those before it. Packing and unpacking is done number by number,
            and left out, as norms are.
    """
    n_read = [
        min(1 + card.n_kept(layer, n_tokens - 1), keeping.rows or n_tokens)
        for layer in range(card.n_layers)
    ]
    return forward_flops(card, 1, n_read)


def kept_term_bytes(term: CacheTerm, keeping: Keeping, plain: int) -> int:
    """Count the bytes of some layers of an architecture, where rows of positions are kept so.

    A state is what it is, however rows are kept.

    Args:
        term: What the layers keep of a sequence.
        keeping: What is kept of it.
        plain: Bits of the cache's number format.
    """
    if term.is_constant:
        return term.bytes_in("float32") if term.number else term.total * plain // 8
    n_rows = keeping.n_rows(term.n_rows) if keeping.rows else term.n_rows
    return round(term.n_layers * n_rows * term.n_numbers * keeping.bits_a_number(plain) / 8)
