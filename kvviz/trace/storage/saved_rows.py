"""Rows of a file are held to the fingerprints that were taken of them when they were written."""

from __future__ import annotations

import numpy as np

from kvviz.trace.generation import GenerationTrace
from kvviz.trace.row_fingerprints import row_fingerprints
from kvviz.trace.storage.header_fields import damaged
from kvviz.translation import ngettext


def check_rows(trace: GenerationTrace) -> None:
    """Take the fingerprints of a run's K/V rows again, where float32 holds all of their bits.

    Raises:
        TraceFileError: If a row is not the one that was written.
    """
    # Where rows were packed, the fingerprints are of what was read of them.
    kept = trace.packed
    keys, values = (trace.all_keys, trace.all_values) if kept is None else (kept.keys, kept.values)
    parts = [(keys, values, trace.written_fingerprints)]
    if trace.cross is not None:
        cross = trace.cross
        parts.append((cross.keys, cross.values, cross.written_fingerprints))
    for keys, values, written in parts:
        found = row_fingerprints(np.stack([keys, values]), trace.model.dtype)
        if found is None:
            return
        changed = np.argwhere(found != written)
        if len(changed):
            which, layer, position = changed[0]
            raise damaged(
                ngettext(
                    "{n} row is not the one that was computed: the {kind} row of layer {layer}, "
                    "position {position}.",
                    "{n} rows are not those that were computed, the first of them the {kind} row "
                    "of layer {layer}, position {position}.",
                    len(changed),
                ).format(n=len(changed), kind="KV"[which], layer=layer, position=position)
            )
