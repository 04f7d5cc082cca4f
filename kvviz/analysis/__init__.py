"""Numbers read off a trace. NumPy only."""

from kvviz.analysis.agreement import Agreement, agreement
from kvviz.analysis.attention import attention_distance, attention_entropy, sink_mass
from kvviz.analysis.blocks import ROWS_A_BLOCK, pattern_blocks
from kvviz.analysis.cache_size import CacheTerm, architecture_cache_bytes, cache_terms
from kvviz.analysis.cost import StepCosts, bill, counted, fewer, step_costs, token_passes
from kvviz.analysis.head_measures import (
    HeadMeasures,
    forward_share,
    head_measures,
    query_measures,
)
from kvviz.analysis.memory import (
    break_even_tokens,
    cache_arithmetic,
    cache_bytes,
    cache_bytes_unshared,
    weight_bytes,
)
from kvviz.analysis.parameters import (
    ParameterCount,
    count_parameters,
    parameters_of_gpt2_tensors,
)
from kvviz.analysis.roles import (
    ROLES,
    THRESHOLDS,
    HeadRole,
    RoleName,
    RoleScores,
    all_role_scores,
    head_roles,
    probe_prompt,
    role_scores,
)
from kvviz.analysis.row_changes import RowChanges, row_changes
from kvviz.analysis.same_token import same_token_mass
from kvviz.analysis.serving import (
    accelerators_needed,
    parameter_bytes,
    usable_bytes,
    users_that_fit,
)
from kvviz.analysis.table import steps_table, to_csv
from kvviz.analysis.telling_head import telling_head
from kvviz.analysis.token_alignment import Unit, align_tokens
from kvviz.analysis.vector_shift import vector_shift

__all__ = [
    "ROLES",
    "ROWS_A_BLOCK",
    "THRESHOLDS",
    "Agreement",
    "CacheTerm",
    "HeadMeasures",
    "HeadRole",
    "ParameterCount",
    "RoleName",
    "RoleScores",
    "RowChanges",
    "StepCosts",
    "Unit",
    "accelerators_needed",
    "agreement",
    "align_tokens",
    "all_role_scores",
    "architecture_cache_bytes",
    "attention_distance",
    "attention_entropy",
    "bill",
    "break_even_tokens",
    "cache_arithmetic",
    "cache_bytes",
    "cache_bytes_unshared",
    "cache_terms",
    "count_parameters",
    "counted",
    "fewer",
    "forward_share",
    "head_measures",
    "head_roles",
    "parameter_bytes",
    "parameters_of_gpt2_tensors",
    "pattern_blocks",
    "probe_prompt",
    "query_measures",
    "role_scores",
    "row_changes",
    "same_token_mass",
    "sink_mass",
    "step_costs",
    "steps_table",
    "telling_head",
    "to_csv",
    "token_passes",
    "usable_bytes",
    "users_that_fit",
    "vector_shift",
    "weight_bytes",
]
