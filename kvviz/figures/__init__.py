"""Plotly figures of a trace: one idea a file, one theme."""

from kvviz.figures.head_comparison import head_comparison
from kvviz.figures.step_cost import step_cost
from kvviz.figures.vector_shifts import vector_shifts

__all__ = ["head_comparison", "step_cost", "vector_shifts"]
