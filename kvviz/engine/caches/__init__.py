"""Where K/V rows live: one file a way of keeping them.

```python
from kvviz import caches, trace_generation

trace = trace_generation(model, "Once upon a time", cache=caches.Full())
```
"""

from kvviz.engine.caches.full import Full
from kvviz.engine.caches.protocol import FinalRows, KVCache, Rows, RowsPlace, StepRows
from kvviz.engine.caches.recomputed import Recomputed

ALL: dict[str, type[KVCache]] = {kind.name: kind for kind in (Full, Recomputed)}
"""Every way of keeping rows by its name; its `summary` says in one line what it does."""

__all__ = ["ALL", "FinalRows", "Full", "KVCache", "Recomputed", "Rows", "RowsPlace", "StepRows"]
