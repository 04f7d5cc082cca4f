"""States of constant size, by formula, beside what transformers keeps and builds.

A tiny model of each architecture: its parameters, and the bytes of its cache's own tensors in
float32 and in bfloat16, after texts of two lengths.
"""

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from kvviz.analysis.cache_size import architecture_cache_bytes, constant_bytes
from kvviz.analysis.parameters import count_parameters
from kvviz.trace.architecture import Architecture
from kvviz.trace.compressed_rows import CompressedRows
from kvviz.trace.state_layers import StateLayers

WIDE = {"hidden_size": 64, "num_hidden_layers": 4, "vocab_size": 96, "pad_token_id": 0,
        "bos_token_id": 0, "eos_token_id": 0}  # fmt: skip
HEADS = {"num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 48,
         "max_position_embeddings": 64}  # fmt: skip
ROUTED = {"num_experts_per_tok": 2, "moe_intermediate_size": 24}
LINEAR = ["linear_attention", "linear_attention", "linear_attention", "full_attention"]
MAMBA2 = {"mamba_d_state": 8, "mamba_n_heads": 8, "mamba_d_head": 16, "mamba_n_groups": 2,
          "mamba_chunk_size": 8}  # fmt: skip
DELTA = {"layer_types": LINEAR, "linear_num_key_heads": 2, "linear_num_value_heads": 4,
         "linear_key_head_dim": 8, "linear_value_head_dim": 16}  # fmt: skip
NEMOTRON = {"mamba_num_heads": 8, "mamba_head_dim": 16, "ssm_state_size": 8, "n_groups": 2,
            "chunk_size": 8, "head_dim": 16, "n_routed_experts": 4, "n_shared_experts": 1,
            "moe_shared_expert_intermediate_size": 40,
            "layers_block_type": ["mamba", "moe", "mamba", "attention"], **ROUTED}  # fmt: skip
LATENT = {"kv_lora_rank": 12, "qk_nope_head_dim": 8, "qk_rope_head_dim": 4, "v_head_dim": 8}
SPARSE = {**LATENT, "q_lora_rank": 20, "index_n_heads": 2, "index_head_dim": 6, "index_topk": 4,
          "n_routed_experts": 4, "n_shared_experts": 1, "first_k_dense_replace": 1, "n_group": 1,
          "topk_group": 1, **ROUTED}  # fmt: skip

SMALL = {"layout": "decoder", "n_layers": 4, "n_heads": 4, "n_kv_heads": 2, "d_head": 16,
         "d_model": 64, "d_vocab": 96, "n_ctx": 64, "d_mlp": 48, "attention": "GQA"}  # fmt: skip
ALONE = {"attention": "none", "n_heads": 0, "n_kv_heads": 0, "d_head": 0, "d_mlp": 0,
         "n_layers_without_attention": 4, "n_layers_without_mlp": 4, "n_norms": 1}  # fmt: skip
MLA = {"attention": "MLA", "n_kv_heads": 0, "d_head": 8, "d_kv_latent": 12, "d_rope": 4,
       "d_value": 8}  # fmt: skip
EXPERTS = {"n_experts": 4, "n_active_experts": 2, "d_expert": 24, "n_expert_layers": 4}
INDEXED = {**MLA, **EXPERTS, "n_expert_layers": 3, "n_shared_experts": 1, "d_q_latent": 20,
           "n_index_layers": 4, "n_index_heads": 2, "d_index": 6}  # fmt: skip


def shape(state=None, **words):
    return Architecture(**SMALL | words, state=state)


def mamba(n_layers, rank=4, normed=False):
    return StateLayers("Mamba", n_layers, 1, 8, 128, d_conv=4, d_rank=rank, is_normed=normed)


def mamba2(n_layers, normed=True):
    return StateLayers("Mamba-2", n_layers, 8, 8, 16, n_groups=2, d_conv=4, is_normed=normed)


def delta(n_layers, key_heads=2):
    return StateLayers("Gated DeltaNet", n_layers, 4, 8, 16, n_groups=key_heads, d_conv=4)


CASES = {
    "mamba": (
        {**WIDE, "state_size": 8},
        shape(mamba(4), tied=True, **ALONE),
    ),
    "falcon_mamba": (
        {**WIDE, "state_size": 8},
        shape(mamba(4), tied=True, **ALONE),
    ),
    "mamba2": (
        {**WIDE, "state_size": 8, "head_dim": 16, "num_heads": 8, "n_groups": 2, "chunk_size": 8},
        shape(mamba2(4), **ALONE),
    ),
    "jamba": (
        {**WIDE, **HEADS, "attn_layer_period": 4, "attn_layer_offset": 2, "num_experts": 4,
         "expert_layer_period": 2, "expert_layer_offset": 1, "num_experts_per_tok": 2,
         "mamba_d_state": 8, "mamba_dt_rank": 5},
        shape(mamba(3, rank=5, normed=True), n_layers_without_attention=3,
              **EXPERTS | {"d_expert": 48, "n_expert_layers": 2}),
    ),
    "bamba": (
        {**WIDE, **HEADS, **MAMBA2, "attn_layer_indices": [2]},
        shape(mamba2(3), n_layers_without_attention=3),
    ),
    "nemotron_h": (
        {name: value for name, value in WIDE.items() if name != "num_hidden_layers"}
        | HEADS | NEMOTRON,
        shape(mamba2(2), n_layers_without_attention=3, n_layers_without_mlp=3, n_norms=1,
              n_mlp_matrices=2, n_shared_experts=1, d_shared_expert=40,
              **EXPERTS | {"n_expert_layers": 1}),
    ),
    "nemotron_h with latent experts": (
        {name: value for name, value in WIDE.items() if name != "num_hidden_layers"}
        | HEADS | NEMOTRON | {"moe_latent_size": 32},
        shape(mamba2(2), n_layers_without_attention=3, n_layers_without_mlp=3, n_norms=1,
              n_mlp_matrices=2, n_shared_experts=1, d_shared_expert=40, d_expert_latent=32,
              **EXPERTS | {"n_expert_layers": 1}),
    ),
    "falcon_h1": (
        {**WIDE, **HEADS, **MAMBA2, "mamba_d_ssm": 128, "head_dim": 16},
        shape(mamba2(4, normed=False)),
    ),
    "granitemoehybrid": (
        {**WIDE, **HEADS, **MAMBA2, "layer_types": ["mamba", "mamba", "attention", "mamba"],
         "num_local_experts": 4, "num_experts_per_tok": 2, "shared_intermediate_size": 40},
        shape(mamba2(3), n_layers_without_attention=3, n_shared_experts=1, d_shared_expert=40,
              **EXPERTS | {"d_expert": 48}),
    ),
    "qwen3_next": (
        {**WIDE, **HEADS, **DELTA, **ROUTED, "head_dim": 16, "num_experts": 4,
         "shared_expert_intermediate_size": 40},
        # A gate of the shared expert, a row wide, is what the scheme has no word for.
        shape(delta(3), n_layers_without_attention=3, is_gated=True, d_qk_norm=32,
              n_shared_experts=1, d_shared_expert=40, n_other=4 * 64, **EXPERTS),
    ),
    "qwen3_5_text": (
        {**WIDE, **HEADS, **DELTA, "head_dim": 16},
        shape(delta(3), n_layers_without_attention=3, is_gated=True, d_qk_norm=32),
    ),
    "olmo_hybrid": (
        {**WIDE, **HEADS, **DELTA, "linear_num_key_heads": 4},
        shape(delta(3, key_heads=4), n_layers_without_attention=3, d_qk_norm=96),
    ),
    "kimi_linear": (
        {**WIDE, **HEADS, **LATENT, **ROUTED, "num_key_value_heads": 4, "layer_types": LINEAR,
         "q_lora_rank": None, "num_local_experts": 4, "n_shared_experts": 1, "n_group": 1,
         "linear_num_heads": 4, "linear_head_dim": 8},
        shape(StateLayers("KDA", 3, 4, 8, 8, d_conv=4, d_rank=8), n_layers_without_attention=3,
              n_shared_experts=1, **MLA, **EXPERTS | {"n_expert_layers": 3}),
    ),
    "bailing_hybrid": (
        {**WIDE, **HEADS, **LATENT, **ROUTED, "num_key_value_heads": 4, "layer_group_size": 4,
         "num_local_experts": 4, "n_shared_experts": 1, "n_group": 1, "topk_group": 1,
         "first_k_dense_replace": 1, "head_dim": 16},
        # A gate for each of attention's heads is what the scheme has no word for.
        shape(StateLayers("KDA", 3, 4, 16, 16, d_conv=4), n_layers_without_attention=3,
              n_shared_experts=1, n_other=4 * 64, **MLA, **EXPERTS | {"n_expert_layers": 3}),
    ),
    "minimax": (
        {**WIDE, **HEADS, "head_dim": 16, "layer_types": LINEAR, "num_local_experts": 4,
         "num_experts_per_tok": 2, "block_size": 8},
        shape(StateLayers("lightning attention", 3, 4, 16, 16), n_layers_without_attention=3,
              **EXPERTS | {"d_expert": 48}),
    ),
    "lfm2": (
        {**WIDE, **HEADS, "layer_types": ["conv", "conv", "full_attention", "conv"],
         "conv_L_cache": 3, "block_auto_adjust_ff_dim": False},
        shape(StateLayers("short convolution", 3, 1, 0, 64, d_conv=3), tied=True,
              n_layers_without_attention=3, d_qk_norm=32),
    ),
    "deepseek_v32": ({**WIDE, **HEADS, **SPARSE, "num_key_value_heads": 4}, shape(**INDEXED)),
    "glm_moe_dsa": ({**WIDE, **HEADS, **SPARSE, "num_key_value_heads": 4}, shape(**INDEXED)),
    "rwkv": (
        {"hidden_size": 64, "num_hidden_layers": 4, "vocab_size": 96, "context_length": 64},
        shape(StateLayers("RWKV-4", 4, 1, 3, 64, d_conv=1),
              **ALONE | {"n_layers_without_mlp": 0, "d_mlp": 256, "n_norms": 2},
              n_mlp_matrices=2, norm_width=2, n_outer_norms=2),
    ),
    "recurrent_gemma": (
        {**WIDE, **HEADS, "lru_width": 64, "attention_window_size": 16,
         "block_types": ["recurrent", "recurrent", "attention"], "intermediate_size": 96},
        # One of four layers attends, to its last 16 positions; MLPs and its output have biases.
        shape(StateLayers("RG-LRU", 3, 1, 1, 64, n_groups=4, d_conv=3), tied=True,
              n_layers_without_attention=3, n_window_layers=1, window=16,
              n_other=4 * (48 + 48 + 64) + 64),
    ),
}  # fmt: skip


CSA = {"head_dim": 16, "qk_rope_head_dim": 8, "q_lora_rank": 20, "o_groups": 2, "o_lora_rank": 12,
       "n_routed_experts": 4, "n_shared_experts": 1, "sliding_window": 32, "index_n_heads": 2,
       "index_head_dim": 12, "index_topk": 4, "num_hash_layers": 1, "hc_mult": 2,
       "compress_rates": {"compressed_sparse_attention": 4, "heavily_compressed_attention": 8},
       "layer_types": ["sliding_attention", "compressed_sparse_attention",
                       "heavily_compressed_attention", "compressed_sparse_attention"]}  # fmt: skip
CASES["deepseek_v4"] = (
    {**WIDE, **HEADS, **ROUTED, **CSA, "num_key_value_heads": 1, "intermediate_size": 24},
    shape(attention="CSA", n_kv_heads=1, d_mlp=0, d_q_latent=20, n_shared_experts=1,
          n_window_layers=4, window=32, **EXPERTS,
          compressed=CompressedRows(n_fine=2, fine=4, n_coarse=1, coarse=8, n_index_heads=2,
                                    d_index=12, n_groups=2, d_group=12, n_streams=2)),
)  # fmt: skip


def built(name, dtype):
    torch.manual_seed(0)
    words, _shape = CASES[name]
    config = AutoConfig.for_model(name.split()[0], **words)
    return AutoModelForCausalLM.from_config(config).eval().to(dtype)


def kept(model, n_tokens):
    """Return the tensors that the model keeps after a text, wherever it keeps them."""
    with torch.no_grad():
        out = model(torch.arange(n_tokens)[None] % 96, use_cache=True)
    found = []
    if "state" in out:
        return list(out.state)
    cache = getattr(out, "cache_params", None) or out.past_key_values
    for layer in getattr(cache, "layers", []):
        found += [one for one in vars(layer).values() if torch.is_tensor(one)]
        for states in ("conv_states", "recurrent_states"):
            found += [one for one in getattr(layer, states, {}).values() if one is not None]
    return found + [one for one in getattr(cache, "linear_cache", []) if torch.is_tensor(one)]


@pytest.mark.parametrize("name", CASES)
def test_the_count_is_that_of_the_model_that_the_config_builds(name):
    words, counted = CASES[name]
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(AutoConfig.for_model(name.split()[0], **words))
    assert sum(one.numel() for one in model.parameters()) == count_parameters(counted).total


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize(
    "name", [name for name in CASES if name not in ("recurrent_gemma", "deepseek_v4")]
)
def test_the_cache_takes_the_bytes_that_its_tensors_take(name, dtype):
    model, counted = built(name, getattr(torch, dtype)), CASES[name][1]
    for n_tokens in (5, 24):
        taken = sum(one.numel() * one.element_size() for one in kept(model, n_tokens))
        assert taken == architecture_cache_bytes(counted, n_tokens, number=dtype)
    assert taken >= constant_bytes(counted, number=dtype)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_states_of_recurrent_gemma_take_the_bytes_of_the_tensors_that_its_modules_hold(dtype):
    # It keeps them in its modules, and gives no cache away; those of attention it does not show.
    model, counted = built("recurrent_gemma", getattr(torch, dtype)), CASES["recurrent_gemma"][1]
    for n_tokens in (5, 24):
        with torch.no_grad():
            model(torch.arange(n_tokens)[None], use_cache=True)
        held = [
            one
            for module in model.modules()
            for name, one in vars(module).items()
            if name in ("conv1d_state", "recurrent_states") and one is not None
        ]
        assert len(held) == 2 * counted.state.n_layers
        taken = sum(one.numel() * one.element_size() for one in held)
        assert taken == constant_bytes(counted, number=dtype)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_rows_of_several_positions_take_the_bytes_that_their_tensors_take(dtype):
    # Keys and values are one tensor; what waits to be compressed is not counted. Transformers drops
    # a row of a full window a step early, so the texts are shorter than the window.
    model, counted = built("deepseek_v4", getattr(torch, dtype)), CASES["deepseek_v4"][1]
    for n_tokens in (3, 4, 9, 27, 31):
        with torch.no_grad():
            cache = model(torch.arange(n_tokens)[None], use_cache=True).past_key_values
        tensors = [layer.keys for layer in cache.layers]
        for layer in cache.layers:
            rows = getattr(layer, "compressed_kv", {}).values()
            tensors += [one for one in rows if one is not None]
        taken = sum(one.numel() * one.element_size() for one in tensors)
        assert taken == architecture_cache_bytes(counted, n_tokens, number=dtype)
