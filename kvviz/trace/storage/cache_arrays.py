"""The arrays of a trace file that tell what a named cache did with its rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, cast, get_args

from kvviz.trace.generation import GenerationTrace
from kvviz.trace.liveness import last_read
from kvviz.trace.model_card import ModelCard
from kvviz.trace.packed_rows import PackedRows
from kvviz.trace.storage.header_json import Array, Expected

CacheKind = Literal[
    "named-cache",
    "encoder-decoder-named-cache",
    "turning-named-cache",
    "packing-named-cache",
    "encoder-decoder-packing-named-cache",
]

LAST_READ = "last_read"
"""Tells what each step dropped, and so reused."""
PACKED = "packed_"
"""How the names of arrays begin that say what was read of packed rows."""
_TURNS = "turn_angles"
_PACKED_ARRAYS = ("keys", "values", "packed_after")


def kind_in(kind: str) -> CacheKind | None:
    """Return a kind of file if it is one of a run with a named cache."""
    return cast("CacheKind", kind) if kind in get_args(CacheKind) else None


def kind_of(trace: GenerationTrace) -> CacheKind:
    """Return the kind of file that a run with a named cache is saved as."""
    if trace.turn_angles is not None:
        return "turning-named-cache"
    if trace.packed is not None:
        is_alone = trace.cross is None
        return "packing-named-cache" if is_alone else "encoder-decoder-packing-named-cache"
    return "named-cache" if trace.cross is None else "encoder-decoder-named-cache"


def expected(kind: CacheKind | None, card: ModelCard, n_rows: int) -> Expected:
    """Return dtype and shape of each array that a file of that kind holds besides."""
    rows = (card.n_layers, card.n_kv_heads, n_rows, card.d_head)
    arrays: Expected = {}
    if kind is not None:
        arrays[LAST_READ] = ("<i8", rows[:-1])
    if kind == "turning-named-cache":
        arrays[_TURNS] = ("<f8", (card.n_layers, card.d_head // 2))
    if _is_packing(kind):
        of_packed = (("<f4", rows), ("<f4", rows), ("<i8", (2, n_rows)))
        arrays |= {PACKED + n: one for n, one in zip(_PACKED_ARRAYS, of_packed, strict=True)}
    return arrays


def arrays_of(trace: GenerationTrace) -> dict[str, Array]:
    """Return those arrays of a run, as `expected` names them."""
    card, packed = trace.model, trace.packed
    arrays: dict[str, Array] = {
        LAST_READ: last_read(trace.steps, card.n_layers, card.n_kv_heads, trace.n_prompt)
    }
    if trace.turn_angles is not None:
        arrays[_TURNS] = trace.turn_angles
    if packed is not None:
        arrays |= {PACKED + name: getattr(packed, name) for name in _PACKED_ARRAYS}
    return arrays


def packed_rows(kind: CacheKind | None, arrays: Mapping[str, Array]) -> PackedRows | None:
    """Return what was read of packed rows, if any were packed."""
    return PackedRows(**part_of(arrays, PACKED)) if _is_packing(kind) else None


def _is_packing(kind: CacheKind | None) -> bool:
    return kind in ("packing-named-cache", "encoder-decoder-packing-named-cache")


def part_of(arrays: Mapping[str, Array], prefix: str) -> dict[str, Any]:
    """Return the arrays whose names begin so, by the rest of their names."""
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }
