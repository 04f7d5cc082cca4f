"""Numbers read off a trace. NumPy only."""

from kvviz.analysis.agreement import Agreement, agreement
from kvviz.analysis.attention import attention_distance, attention_entropy, sink_mass
from kvviz.analysis.blocks import ROWS_A_BLOCK, pattern_blocks
from kvviz.analysis.cost import StepCosts, bill, counted, fewer, step_costs, token_passes
from kvviz.analysis.memory import break_even_tokens, cache_arithmetic, cache_bytes, weight_bytes
from kvviz.analysis.roles import (
    ROLES,
    THRESHOLD,
    HeadRole,
    RoleName,
    RoleScores,
    all_role_scores,
    head_roles,
    probe_prompt,
    role_scores,
)
from kvviz.analysis.table import steps_table, to_csv

__all__ = [
    "ROLES",
    "ROWS_A_BLOCK",
    "THRESHOLD",
    "Agreement",
    "HeadRole",
    "RoleName",
    "RoleScores",
    "StepCosts",
    "agreement",
    "all_role_scores",
    "attention_distance",
    "attention_entropy",
    "bill",
    "break_even_tokens",
    "cache_arithmetic",
    "cache_bytes",
    "counted",
    "fewer",
    "head_roles",
    "pattern_blocks",
    "probe_prompt",
    "role_scores",
    "sink_mass",
    "step_costs",
    "steps_table",
    "to_csv",
    "token_passes",
    "weight_bytes",
]
