"""Numbers read off a trace. NumPy only."""

from kvviz.analysis.agreement import Agreement, agreement
from kvviz.analysis.attention import attention_distance, attention_entropy, sink_mass
from kvviz.analysis.blocks import ROWS_A_BLOCK, pattern_blocks
from kvviz.analysis.cost import StepCosts, bill, counted, fewer, step_costs, token_passes
from kvviz.analysis.head_measures import HeadMeasures, forward_share, head_measures
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
from kvviz.analysis.row_changes import RowChanges, row_changes
from kvviz.analysis.table import steps_table, to_csv
from kvviz.analysis.token_alignment import Unit, align_tokens
from kvviz.analysis.vector_shift import vector_shift

__all__ = [
    "ROLES",
    "ROWS_A_BLOCK",
    "THRESHOLD",
    "Agreement",
    "HeadMeasures",
    "HeadRole",
    "RoleName",
    "RoleScores",
    "RowChanges",
    "StepCosts",
    "Unit",
    "agreement",
    "align_tokens",
    "all_role_scores",
    "attention_distance",
    "attention_entropy",
    "bill",
    "break_even_tokens",
    "cache_arithmetic",
    "cache_bytes",
    "counted",
    "fewer",
    "forward_share",
    "head_measures",
    "head_roles",
    "pattern_blocks",
    "probe_prompt",
    "role_scores",
    "row_changes",
    "sink_mass",
    "step_costs",
    "steps_table",
    "to_csv",
    "token_passes",
    "vector_shift",
    "weight_bytes",
]
