"""Two encodings of one text packed into one buffer of bytes, for the component that draws them.

`packed_buffer` says how header and arrays lie in the buffer; `js/buffer.js` reads them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import UInt8

from kvviz.analysis import RowChanges, align_tokens, head_measures
from kvviz.player import packed_buffer
from kvviz.trace import EncodingTrace
from kvviz.translation import front_end_catalogue

VERSION = 2
FORBIDDEN, FULL = 255, 254
SAME, CHANGED, NEW, OTHER_TOKEN = range(4)


@dataclass(frozen=True)
class ChangedRows:
    """What became of the rows of both models.

    Attributes:
        left: Rows of the first model.
        right: Rows of the second.
        title: What was done to them; may be empty.
        sides: A few words under which each side stands, or nothing.
    """

    left: RowChanges
    right: RowChanges
    title: str = ""
    sides: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pair:
    """One text as two models read it.

    Attributes:
        left: The first encoding.
        right: The second, of the same text.
        names: What the two are called on the page.
        notes: What kind of model each is, in a few words.
        marked: Positions of each that were appended, edited or hidden.
        changes: Maps of changed rows, none if nothing was changed.
        rows_note: What the maps compare.
    """

    left: EncodingTrace
    right: EncodingTrace
    names: tuple[str, str]
    notes: tuple[str, str]
    marked: tuple[tuple[int, ...], tuple[int, ...]] = ((), ())
    changes: tuple[ChangedRows, ...] = ()
    rows_note: str = ""


def pack(
    pair: Pair, *, layer: int = 0, head: int = 0, look: str = "attention", veiled: bool = False
) -> bytes:
    """Pack two encodings for the component.

    Args:
        pair: What is shown.
        layer: Layer to begin with.
        head: Head likewise.
        look: ``attention`` or ``mask``.
        veiled: Leave out everything that a question asks for: patterns, measures, changed rows.

    Raises:
        AlignmentError: If the tokens of the two cannot be laid side by side.
    """
    units = align_tokens(pair.left, pair.right)
    slots: tuple[list[int], list[int]] = ([], [])
    members: tuple[list[int], list[int]] = ([], [])
    n_slots = 0
    for number, unit in enumerate(units):
        for side, positions in enumerate((unit.left, unit.right)):
            slots[side].extend(range(n_slots, n_slots + len(positions)))
            members[side].extend([number] * len(positions))
        n_slots += max(len(unit.left), len(unit.right))
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    if not veiled:
        for name, encoding in (("left", pair.left), ("right", pair.right)):
            arrays[f"{name}.pattern"] = pattern_bytes(encoding)
            measures = head_measures(encoding)
            arrays[f"{name}.measures"] = np.stack(
                [measures.forward, measures.entropy, measures.distance]
            ).astype(np.float32)
        for group, changes in enumerate(pair.changes):
            for name, rows in (("left", changes.left), ("right", changes.right)):
                states, largest = row_arrays(rows)
                arrays[f"{group}.{name}.rows"] = states
                arrays[f"{group}.{name}.largest"] = largest
    sides = {
        name: _side(encoding, pair.names[i], pair.notes[i], slots[i], members[i], pair.marked[i])
        for i, (name, encoding) in enumerate((("left", pair.left), ("right", pair.right)))
    }
    header = {
        **front_end_catalogue(),  # first, where the front end looks for it
        "version": VERSION,
        "n_slots": n_slots,
        "n_units": len(units),
        "veiled": veiled,
        "rows_note": pair.rows_note,
        "view": {"layer": layer, "head": head, "look": look},
        **sides,
        "changes": [{"title": one.title, "sides": list(one.sides)} for one in pair.changes],
    }
    return packed_buffer.pack(header, arrays.items())


def pattern_bytes(encoding: EncodingTrace) -> UInt8[np.ndarray, "layer head query key"]:
    """Return all patterns, a byte a weight: 254 is a weight of 1, 255 what the mask forbids."""
    weights = encoding.patterns
    rounded = np.rint(np.nan_to_num(weights, nan=0.0) * FULL).astype(np.uint8)
    return np.where(np.isnan(weights), np.uint8(FORBIDDEN), rounded)


def row_arrays(rows: RowChanges) -> tuple[UInt8[np.ndarray, "layer position"], np.ndarray]:
    """Return the state of each row of the new text, and by how much it changed."""
    states = rows.changed.astype(np.uint8) * CHANGED
    states[rows.changed & rows.other_token] = OTHER_TOKEN
    added = ((0, 0), (0, rows.n_new))
    return (
        np.pad(states, added, constant_values=NEW),
        np.pad(rows.largest, added).astype(np.float32),
    )


def _side(
    encoding: EncodingTrace,
    name: str,
    note: str,
    slots: list[int],
    units: list[int],
    marked: Sequence[int],
) -> dict[str, Any]:
    return {
        "name": name,
        "note": note,
        "mask": encoding.mask,
        "n_layers": encoding.model.n_layers,
        "n_heads": encoding.model.n_heads,
        "tokens": encoding.tokens_in_place,
        "special": encoding.special.tolist(),
        "slots": slots,
        "units": units,
        "marked": list(marked),
    }
