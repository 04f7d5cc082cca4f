"""Numbers read off a trace. NumPy only."""

from kvviz.analysis.cost import StepCosts, bill, counted, fewer, step_costs, token_passes

__all__ = ["StepCosts", "bill", "counted", "fewer", "step_costs", "token_passes"]
