"""Fingerprints of K/V rows: equal numbers mean equal bits."""

from __future__ import annotations

import torch
from jaxtyping import Int64
from torch import Tensor

from kvviz.translation import gettext as _
from kvviz.translation import ngettext

_BITS = {8: torch.int64, 4: torch.int32, 2: torch.int16}
_SEED = 0x6B767669  # any fixed number; the same weights must serve all runs


class RowFingerprint:
    """A 64-bit fingerprint of rows of one width.

    The bits of each number, read as an integer, are multiplied by a random odd 64-bit number of
    its own and summed modulo 2^64. An odd factor has an inverse, so that no change to a single
    number can go unseen; changes to several cancel with a chance of about 2^-63.

    Args:
        n_heads: Heads of a row.
        d_head: Numbers of a row in each head.
        device: Where the rows live.
    """

    def __init__(self, n_heads: int, d_head: int, device: torch.device) -> None:
        generator = torch.Generator().manual_seed(_SEED)
        factors = torch.randint(-(2**63), 2**63 - 1, (n_heads, 1, d_head), generator=generator)
        self._factors = (factors | 1).to(device)

    def __call__(self, rows: Tensor) -> Int64[Tensor, "*layer position"]:
        """Return the fingerprint of each row of shape ``*layer head position d_head``."""
        bits = rows.view(_BITS[rows.element_size()])
        return (bits * self._factors).sum((-3, -1))

    def by_head(self, rows: Tensor) -> Int64[Tensor, "*layer head position"]:
        """Return what each head adds to the fingerprints of rows ``*layer head position d_head``.

        Heads need not hold the same positions: the parts of one position make up its fingerprint.
        """
        bits = rows.view(_BITS[rows.element_size()])
        return (bits * self._factors).sum(-1)


def changed_rows(written: Tensor, final: Tensor) -> tuple[str, str] | None:
    """Say which rows have other fingerprints than when they were written, if any."""
    changed = (written != final).nonzero()
    if not changed.numel():
        return None
    which, layer, position = changed[0].tolist()
    return (
        ngettext(
            "{n} cached row does not have the bits that were written.",
            "{n} cached rows do not have the bits that were written.",
            len(changed),
        ).format(n=len(changed)),
        _("The first is the {kind} row of layer {layer}, position {position}.").format(
            kind="KV"[which], layer=layer, position=position
        ),
    )
