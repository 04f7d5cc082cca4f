"""Plotly figures of a trace: one idea a file, one theme."""

from kvviz.figures.attention_map import attention_map
from kvviz.figures.cache_growth import cache_growth
from kvviz.figures.head_comparison import head_comparison
from kvviz.figures.model_ladder import model_ladder
from kvviz.figures.parameter_parts import parameter_parts
from kvviz.figures.step_cost import step_cost
from kvviz.figures.vector_shifts import vector_shifts

__all__ = [
    "attention_map",
    "cache_growth",
    "head_comparison",
    "model_ladder",
    "parameter_parts",
    "step_cost",
    "vector_shifts",
]
