"""Runs models of five families and returns traces. The only home of torch and transformers.

```python
model = load_model("kvviz/gpt2-mini")
trace = trace_generation(model, "Once upon a time", max_new_tokens=24)
```
"""

from kvviz.engine import caches
from kvviz.engine.asking.blanks import (
    BlankGuess,
    fill_by_trying,
    fill_from_both_sides,
    fill_from_left,
)
from kvviz.engine.asking.changed_rows import (
    ChangedNext,
    RowChange,
    RowEffects,
    change_row,
    row_effects,
)
from kvviz.engine.asking.ghost_rows import ComputedAfresh, GhostRows, ghost_rows
from kvviz.engine.asking.head_origin import head_origin
from kvviz.engine.asking.judging import CacheVerdict, judge, judge_all
from kvviz.engine.asking.masked_writing import MaskedWriting, write_by_appending, write_by_refining
from kvviz.engine.asking.moved_rows import MovedRows, how_far, rows_at_two_places
from kvviz.engine.asking.scoring import TokenScores, log_likelihood, pseudo_log_likelihood
from kvviz.engine.asking.text_loss import TextLoss, text_loss
from kvviz.engine.models.loaded_model import LoadedModel
from kvviz.engine.models.loading import load_model
from kvviz.engine.models.model_source import list_bundled
from kvviz.engine.running.beams import trace_beams
from kvviz.engine.running.block_batch import trace_batch
from kvviz.engine.running.comparison import trace_both
from kvviz.engine.running.encoding import trace_encoding
from kvviz.engine.running.generation import trace_generation
from kvviz.engine.running.run_batch import RunBatch, trace_together
from kvviz.engine.running.speculation import trace_speculative

__all__ = [
    "BlankGuess",
    "CacheVerdict",
    "ChangedNext",
    "ComputedAfresh",
    "GhostRows",
    "LoadedModel",
    "MaskedWriting",
    "MovedRows",
    "RowChange",
    "RowEffects",
    "RunBatch",
    "TextLoss",
    "TokenScores",
    "caches",
    "change_row",
    "fill_by_trying",
    "fill_from_both_sides",
    "fill_from_left",
    "ghost_rows",
    "head_origin",
    "how_far",
    "judge",
    "judge_all",
    "list_bundled",
    "load_model",
    "log_likelihood",
    "pseudo_log_likelihood",
    "row_effects",
    "rows_at_two_places",
    "text_loss",
    "trace_batch",
    "trace_beams",
    "trace_both",
    "trace_encoding",
    "trace_generation",
    "trace_speculative",
    "trace_together",
    "write_by_appending",
    "write_by_refining",
]
