"""Where K/V rows live: one file a way of keeping them.

```python
from kvviz import caches, trace_generation

trace = trace_generation(model, "Once upon a time", cache=caches.Window(size=64, sinks=4))
```
"""

from kvviz.engine.caches.full import Full
from kvviz.engine.caches.heavy_hitters import HeavyHitters
from kvviz.engine.caches.latent import Latent
from kvviz.engine.caches.least_attended import LeastAttended
from kvviz.engine.caches.low_rank import LowRank
from kvviz.engine.caches.observed import Observed
from kvviz.engine.caches.paged import Paged
from kvviz.engine.caches.protocol import FinalRows, KVCache, Rows, RowsPlace, StepRows
from kvviz.engine.caches.quantised import Quantised
from kvviz.engine.caches.random_rows import Random
from kvviz.engine.caches.recomputed import Recomputed
from kvviz.engine.caches.window import Window

ALL: dict[str, type[KVCache]] = {
    kind.name: kind
    for kind in (
        Full,
        Recomputed,
        Window,
        HeavyHitters,
        LeastAttended,
        Observed,
        Random,
        Quantised,
        LowRank,
        Latent,
        Paged,
    )
}
"""Every way of keeping rows by its name; its `summary` says in one line what it does."""

__all__ = [
    "ALL",
    "FinalRows",
    "Full",
    "HeavyHitters",
    "KVCache",
    "Latent",
    "LeastAttended",
    "LowRank",
    "Observed",
    "Paged",
    "Quantised",
    "Random",
    "Recomputed",
    "Rows",
    "RowsPlace",
    "StepRows",
    "Window",
]
