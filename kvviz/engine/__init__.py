"""Runs GPT-2, BERT and T5 and returns traces. The only home of torch and transformers.

```python
model = load_model("kvviz/gpt2-mini")
trace = trace_generation(model, "Once upon a time", max_new_tokens=24)
```
"""

from kvviz.engine.blanks import BlankGuess, fill_by_trying, fill_from_both_sides, fill_from_left
from kvviz.engine.comparison import trace_both
from kvviz.engine.encoding import trace_encoding
from kvviz.engine.generation import trace_generation
from kvviz.engine.loaded_model import LoadedModel
from kvviz.engine.loading import load_model
from kvviz.engine.masked_writing import MaskedWriting, write_by_appending, write_by_refining
from kvviz.engine.model_source import list_bundled
from kvviz.engine.scoring import TokenScores, log_likelihood, pseudo_log_likelihood

__all__ = [
    "BlankGuess",
    "LoadedModel",
    "MaskedWriting",
    "TokenScores",
    "fill_by_trying",
    "fill_from_both_sides",
    "fill_from_left",
    "list_bundled",
    "load_model",
    "log_likelihood",
    "pseudo_log_likelihood",
    "trace_both",
    "trace_encoding",
    "trace_generation",
    "write_by_appending",
    "write_by_refining",
]
