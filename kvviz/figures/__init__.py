"""Plotly figures of a trace: one idea a file, one theme."""

from kvviz.figures.step_cost import step_cost

__all__ = ["step_cost"]
