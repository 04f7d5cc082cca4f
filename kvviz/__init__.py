"""Watch a KV cache work.

`load_model` and the functions that trace need torch and transformers, which take seconds to import;
they are loaded on first use, so that a trace can be opened, measured and drawn without them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from kvviz.errors import KvvizError
from kvviz.trace import (
    BatchStep,
    BatchTrace,
    CacheComparison,
    EncodingTrace,
    GenerationTrace,
    ModelCard,
    Step,
)
from kvviz.trace.adapters import draw_with, save_with
from kvviz.trace.storage import open_trace, save_trace

if TYPE_CHECKING:
    from kvviz.engine import (
        caches,
        change_row,
        judge,
        load_model,
        text_loss,
        trace_batch,
        trace_beams,
        trace_both,
        trace_encoding,
        trace_generation,
        trace_speculative,
        trace_together,
    )
    from kvviz.player import export_html

_HOME = {
    "caches": "kvviz.engine",
    "change_row": "kvviz.engine",
    "export_html": "kvviz.player",
    "judge": "kvviz.engine",
    "load_model": "kvviz.engine",
    "text_loss": "kvviz.engine",
    "trace_batch": "kvviz.engine",
    "trace_beams": "kvviz.engine",
    "trace_both": "kvviz.engine",
    "trace_encoding": "kvviz.engine",
    "trace_generation": "kvviz.engine",
    "trace_speculative": "kvviz.engine",
    "trace_together": "kvviz.engine",
}


# A trace can import neither its file format nor the player: both stand above it. The player is
# loaded when the first picture is asked for.
save_with(save_trace)
draw_with(lambda trace: import_module("kvviz.player").notebook_html(trace))


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "BatchStep",
    "BatchTrace",
    "CacheComparison",
    "EncodingTrace",
    "GenerationTrace",
    "KvvizError",
    "ModelCard",
    "Step",
    "caches",
    "change_row",
    "export_html",
    "judge",
    "load_model",
    "open_trace",
    "text_loss",
    "trace_batch",
    "trace_beams",
    "trace_both",
    "trace_encoding",
    "trace_generation",
    "trace_speculative",
    "trace_together",
]
