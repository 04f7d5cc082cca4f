"""Runs GPT-2, BERT and T5 and returns traces. The only home of torch and transformers.

```python
model = load_model("kvviz/gpt2-mini")
trace = trace_generation(model, "Once upon a time", max_new_tokens=24)
```
"""

from kvviz.engine.comparison import trace_both
from kvviz.engine.encoding import trace_encoding
from kvviz.engine.generation import trace_generation
from kvviz.engine.loaded_model import LoadedModel
from kvviz.engine.loading import load_model
from kvviz.engine.model_source import list_bundled

__all__ = [
    "LoadedModel",
    "list_bundled",
    "load_model",
    "trace_both",
    "trace_encoding",
    "trace_generation",
]
