"""How many parameters a layer has that folds its past into a state of constant size."""

from __future__ import annotations

from kvviz.trace.state_layers import StateLayers


def state_parameters(state: StateLayers, d_model: int) -> int:
    """Count the parameters of one such layer, without its MLP and the norms before it.

    Source: Gu and Dao (2023), arXiv 2312.00752 (Mamba); Lieber et al. (2024), arXiv 2403.19887
    (its norms in Jamba); Dao and Gu (2024), arXiv 2405.21060 (Mamba-2); Yang, Kautz and
    Hatamizadeh (2024), arXiv 2412.06464 (Gated DeltaNet); Kimi Team (2025), arXiv 2510.26692
    (KDA); MiniMax (2025), arXiv 2501.08313 (lightning attention); De et al. (2024), arXiv
    2402.19427 (RG-LRU); Peng et al. (2023), arXiv 2305.13048 (RWKV-4). What the papers leave open,
    such as biases, is as in transformers 5.23, whose models the tests count.

    Args:
        state: The layer's shape.
        d_model: Width of the residual stream.
    """
    inner, heads = state.inner_width, state.n_heads
    if state.kind == "Mamba":
        in_and_out = 3 * d_model * inner
        # B, C and what the steps are made from, then the steps; a decay a number of the state.
        steps_b_c = state.d_rank + 2 * state.d_key
        chosen = inner * steps_b_c + (state.d_rank + 1) * inner + state.is_normed * steps_b_c
        return in_and_out + chosen + inner * (state.d_key + 1) + _convolution(state, biased=True)
    if state.kind == "Mamba-2":
        # Gate, values, B, C and a step a head are made at once; decay, step and skip are a head's.
        made = d_model * (inner + state.n_channels + heads)
        normed = state.is_normed * inner
        return made + _convolution(state, biased=True) + 3 * heads + normed + inner * d_model
    if state.kind == "Gated DeltaNet":
        # Queries, keys, values and the output's gate; strength and decay a head; a head's norm.
        made = d_model * (state.n_channels + inner + 2 * heads)
        return made + _convolution(state) + 2 * heads + state.d_value + inner * d_model
    if state.kind == "KDA":
        # A decay for each number of a key; the output's gate, as wide as its values.
        keys = heads * state.d_key
        decays, gate = (
            (d_model + width) * state.d_rank if state.d_rank else d_model * width
            for width in (keys, inner)
        )
        made = d_model * (state.n_channels + heads) + decays + keys + heads + gate
        return made + _convolution(state) + state.d_value + inner * d_model
    if state.kind == "lightning attention":
        # Queries, keys, values, the output's gate and the output, and a norm before the gate.
        return 5 * d_model * inner + inner
    if state.kind == "short convolution":
        # Two gates and what they gate, and the output.
        return 4 * d_model * inner + _convolution(state)
    if state.kind == "RG-LRU":
        # Two ways in and one out, with biases; two gates in blocks; a decay a channel.
        ways = 3 * d_model * inner + 2 * inner + d_model
        gates = 2 * (inner * inner // state.n_groups + inner)
        # Its convolution sees the token itself besides what is kept.
        return ways + gates + inner + inner * (state.d_conv + 2)
    # RWKV-4: five square matrices, the gate of its MLP among them, and seven rows.
    return 5 * d_model * inner + 7 * inner


def _convolution(state: StateLayers, *, biased: bool = False) -> int:
    return state.n_channels * (state.d_conv + biased)
