"""Fingerprints of K/V rows: equal numbers mean equal bits."""

from __future__ import annotations

import torch
from jaxtyping import Int64
from torch import Tensor

from kvviz.trace.row_fingerprints import fingerprint_factors
from kvviz.translation import gettext as _
from kvviz.translation import ngettext

_BITS = {8: torch.int64, 4: torch.int32, 2: torch.int16}


class RowFingerprint:
    """A 64-bit fingerprint of rows of one width, as `kvviz.trace.row_fingerprints` describes it.

    Args:
        n_heads: Heads of a row.
        d_head: Numbers of a row in each head.
        device: Where the rows live.
    """

    def __init__(self, n_heads: int, d_head: int, device: torch.device) -> None:
        self._factors = torch.from_numpy(fingerprint_factors(n_heads, d_head)).to(device)

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
