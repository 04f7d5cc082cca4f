"""The arrays of a buffer that hold the rows and patterns of layers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from kvviz.player import second_cache
from kvviz.player.fingerprints import fingerprint_arrays
from kvviz.player.rounding import named_numbers
from kvviz.player.run_patterns import pattern_bytes
from kvviz.trace import GenerationTrace

Runs = dict[str, GenerationTrace]
Named = Iterator[tuple[str, np.ndarray]]


def arrays_of_layers(runs: Runs, n_rows: int, layers: Sequence[int], n_held: int = 0) -> Named:
    """Yield name and numbers of the arrays of layers, those of a T5's second cache included.

    Args:
        runs: The runs by name.
        n_rows: Rows of them that are told of, from the first on.
        layers: Which layers.
        n_held: Rows that are left out where they can be, as in `kvviz.player.growing.Growing`.
    """
    for layer in layers:
        for name, run in runs.items():
            since = 0 if run.cross is not None else n_held
            keys, values = run.keys(layer)[:, :n_rows], run.values(layer)[:, :n_rows]
            yield f"{name}.pattern.{layer}", pattern_bytes(run, layer, n_rows, since)
            queries = run.queries[layer, :, :n_rows]
            for part, rows in (("keys", keys), ("values", values), ("queries", queries)):
                yield from named_numbers(f"{name}.{part}", layer, rows, since)
    yield from second_cache.arrays_of_a_layer(runs, n_rows, layers)
    yield from fingerprint_arrays(runs, n_rows, layers, n_held)


def patterns(runs: Runs, n_rows: int, layers: Sequence[int], n_held: int) -> Named:
    """Yield the patterns alone of layers; arguments as of `arrays_of_layers`."""
    for layer in layers:
        for name, run in runs.items():
            since = 0 if run.cross is not None else n_held
            yield f"{name}.pattern.{layer}", pattern_bytes(run, layer, n_rows, since)


def position_bias(run: GenerationTrace, n_rows: int) -> Named:
    """Yield what a score gets added for a distance, where a model has such."""
    # In a decoder it depends on the distance alone, so its last row has all of it.
    if run.position_bias is not None:
        row = run.position_bias[:, n_rows - 1, :n_rows]
        yield "position_bias", np.ascontiguousarray(row[:, ::-1], dtype=np.float32)
