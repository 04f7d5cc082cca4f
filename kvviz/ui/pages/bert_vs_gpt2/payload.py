"""Two encodings of one text packed into one buffer of bytes, for the component that draws them.

`packed_buffer` says how header and arrays lie in the buffer; `js/buffer.js` reads them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from jaxtyping import Float32, UInt8

from kvviz.analysis import RowChanges, align_tokens, head_measures, query_measures
from kvviz.player import packed_buffer
from kvviz.player.patterns import thumbnails_of
from kvviz.player.rounding import named_numbers
from kvviz.trace import EncodingTrace
from kvviz.translation import front_end_catalogue

VERSION = 4
FORBIDDEN, FULL = 255, 254
MOST_BYTES = 12 * 1024 * 1024
"""All layers of both models are sent where they are no more than this; else the one on show."""
THUMBNAIL_CELLS = 48
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
        recorded: Whether both were read elsewhere, and ship.
    """

    left: EncodingTrace
    right: EncodingTrace
    names: tuple[str, str]
    notes: tuple[str, str]
    marked: tuple[tuple[int, ...], tuple[int, ...]] = ((), ())
    changes: tuple[ChangedRows, ...] = ()
    rows_note: str = ""
    recorded: bool = False


def pack(
    pair: Pair,
    *,
    layer: int = 0,
    head: int = 0,
    look: str = "attention",
    cell: tuple[str, int, int] | None = None,
    view_number: int = 0,
    veiled: bool = False,
    most_bytes: int = MOST_BYTES,
) -> bytes:
    """Pack two encodings for the component.

    Args:
        pair: What is shown.
        layer: Layer to begin with.
        head: Head likewise.
        look: ``attention`` or ``mask``.
        cell: The cell whose making is on show: ``left`` or ``right``, who looks, and at whom.
        view_number: Another one than before, and the component takes on this view.
        veiled: Leave out everything that a question asks for: patterns, measures, changed rows.
        most_bytes: Send all layers up to so many bytes, else the one to begin with.

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
    both = (("left", pair.left), ("right", pair.right))
    is_whole = n_bytes(pair) <= most_bytes
    layers = [
        list(range(encoding.model.n_layers))
        if is_whole
        else [min(layer, encoding.model.n_layers - 1)]
        for _, encoding in both
    ]
    if not veiled:
        for (name, encoding), sent in zip(both, layers, strict=True):
            for one in sent:
                arrays |= _layer_arrays(name, encoding, one)
            measures = head_measures(encoding)
            arrays[f"{name}.measures"] = np.stack(
                [measures.forward, measures.entropy, measures.distance]
            ).astype(np.float32)
            if not is_whole:
                arrays[f"{name}.thumbnails"] = thumbnails(encoding)
        for group, changes in enumerate(pair.changes):
            for name, rows in (("left", changes.left), ("right", changes.right)):
                states, largest = row_arrays(rows)
                arrays[f"{group}.{name}.rows"] = states
                arrays[f"{group}.{name}.largest"] = largest
    sides = {
        name: _side(
            encoding, pair.names[i], pair.notes[i], slots[i], members[i], pair.marked[i], layers[i]
        )
        for i, (name, encoding) in enumerate(both)
    }
    header = {
        **front_end_catalogue(),  # first, where the front end looks for it
        "version": VERSION,
        "n_slots": n_slots,
        "n_units": len(units),
        "veiled": veiled,
        "rows_note": pair.rows_note,
        "recorded": pair.recorded,
        "view": {
            "layer": layer,
            "head": head,
            "look": look,
            "cell": None
            if cell is None
            else dict(zip(("which", "query", "key"), cell, strict=True)),
        },
        "view_number": view_number,
        **sides,
        "changes": [{"title": one.title, "sides": list(one.sides)} for one in pair.changes],
    }
    return packed_buffer.pack(header, arrays.items())


_small: WeakKeyDictionary[EncodingTrace, np.ndarray] = WeakKeyDictionary()


def thumbnails(encoding: EncodingTrace) -> UInt8[np.ndarray, "layer head cell_row cell_column"]:
    """Return all patterns of an encoding as small pictures, drawn once: it takes a second."""
    if encoding not in _small:
        n_cells = min(THUMBNAIL_CELLS, encoding.n_tokens)
        layers = range(encoding.model.n_layers)
        _small[encoding] = np.stack(
            [thumbnails_of(layer_pattern(encoding, layer), n_cells) for layer in layers]
        )
    return _small[encoding]


def n_bytes(pair: Pair) -> int:
    """Return what the patterns and rows of all layers of both models come to, packed."""
    total = 0
    for encoding in (pair.left, pair.right):
        card, n = encoding.model, encoding.n_tokens
        # A pattern has a byte a weight, a query, key or value two a number; three are measured of
        # each query of a head, in four bytes.
        rows = 2 * n * card.d_head * (card.n_heads + 2 * card.n_kv_heads)
        total += card.n_layers * (card.n_heads * (n * n + 12 * n) + rows)
    return total


def _layer_arrays(name: str, encoding: EncodingTrace, layer: int) -> dict[str, np.ndarray]:
    """Return the patterns of a layer, what was measured of each query, and the rows."""
    weights = layer_pattern(encoding, layer)
    arrays = {
        f"{name}.pattern.{layer}": pattern_bytes(weights),
        f"{name}.measured.{layer}": np.stack([query_measures(one) for one in weights], axis=1)
        .astype(np.float32),
    }  # fmt: skip
    for what, rows in (
        ("queries", encoding.queries),
        ("keys", encoding.all_keys),
        ("values", encoding.all_values),
    ):
        arrays |= named_numbers(f"{name}.{what}", layer, rows[layer])
    return arrays


def layer_pattern(encoding: EncodingTrace, layer: int) -> Float32[np.ndarray, "head query key"]:
    """Return the patterns of one layer; NaN where the mask forbids."""
    heads = range(encoding.model.n_heads)
    return np.stack([encoding.pattern(layer, head) for head in heads])


def pattern_bytes(
    weights: Float32[np.ndarray, "head query key"],
) -> UInt8[np.ndarray, "head query key"]:
    """Return patterns, a byte a weight: 254 is a weight of 1, 255 what the mask forbids."""
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
    layers: list[int],
) -> dict[str, Any]:
    return {
        "name": name,
        "note": note,
        "mask": encoding.mask,
        "n_layers": encoding.model.n_layers,
        "n_heads": encoding.model.n_heads,
        "n_kv_heads": encoding.model.n_kv_heads,
        "d_head": encoding.model.d_head,
        "score_scale": encoding.score_scale.tolist(),
        "layers": layers,
        "tokens": encoding.tokens_in_place,
        "special": encoding.special.tolist(),
        "slots": slots,
        "units": units,
        "marked": list(marked),
    }
