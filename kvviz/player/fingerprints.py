"""The fingerprints of a layer's rows as the player reads them: two halves of 32 bits each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Int32, Int64

from kvviz.trace import GenerationTrace

BYTES_OF_PRINTS = 2 * 2 * 8
"""Of each row of a layer: of its key and its value, as it was written and at the end."""

Runs = dict[str, GenerationTrace]
Taken = Int64[np.ndarray, "2 layer position"]


def fingerprint_arrays(
    runs: Runs, n_rows: int, layers: Sequence[int], n_held: int = 0
) -> Iterator[tuple[str, np.ndarray]]:
    """Yield name and numbers of the arrays of each layer and run, of both caches of a T5.

    Rows that are held already, as in `kvviz.player.growing.Growing`, are left out.
    """
    for layer in layers:
        for name, run in runs.items():
            since = 0 if run.cross is not None else n_held
            prints = halves(run.written_fingerprints, run.final_fingerprints, layer)
            yield f"{name}.fingerprints.{layer}", prints[:, :, since:n_rows]
            if run.cross is not None:
                yield (
                    f"{name}.cross_fingerprints.{layer}",
                    halves(run.cross.written_fingerprints, run.cross.final_fingerprints, layer),
                )


def halves(
    written: Taken, final: Taken, layer: int
) -> Int32[np.ndarray, "taken part position half"]:
    """Return a layer's fingerprints, of keys and of values, the lower half of each first.

    JavaScript's numbers hold no 64 bits.
    """
    taken = np.ascontiguousarray(np.stack([written[:, layer], final[:, layer]]), dtype="<i8")
    return taken.view("<i4").reshape(*taken.shape, 2)
