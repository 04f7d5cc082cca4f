"""How far a model that is being added is, in words."""

from __future__ import annotations

from typing import Literal

from kvviz.published.catalogue import megabytes
from kvviz.translation import gettext as _

Phase = Literal["fetching", "reading"]


def progress(phase: Phase, done: int, of: int) -> str:
    """Say what is done now, how much of it, and of how much: bytes, or tensors."""
    if phase == "fetching":
        return _("Fetching {done:,.0f} of {all}").format(done=done / 1e6, all=megabytes(of))
    if not of:
        return _("Reading the weights")
    return _("Reading the weights: {done:,} of {all:,} tensors").format(done=done, all=of)
