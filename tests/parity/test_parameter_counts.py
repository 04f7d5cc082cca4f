"""The counts and the cache of a shape, against models that transformers builds from a config."""

import pytest
import torch
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, AutoModelForSeq2SeqLM

from kvviz.analysis.cache_size import architecture_cache_bytes
from kvviz.analysis.parameters import count_parameters
from kvviz.trace.architecture import Architecture

SMALL = {"n_layers": 4, "n_heads": 8, "d_head": 16, "d_model": 128, "d_vocab": 320, "n_ctx": 64}
GPT2_LIKE = {
    "d_mlp": 512,
    "n_mlp_matrices": 2,
    "tied": True,
    "n_positions": 64,
    "biases": "all",
    "norm_width": 2,
}
LLAMA_LIKE = {"hidden_size": 128, "num_hidden_layers": 4, "num_attention_heads": 8,
              "intermediate_size": 256, "vocab_size": 320, "max_position_embeddings": 64,
              "pad_token_id": 0, "bos_token_id": 0, "eos_token_id": 0}  # fmt: skip
EXPERTS = {"n_experts": 8, "n_active_experts": 2, "d_expert": 64}
LATENT = {"d_kv_latent": 32, "d_rope": 8, "d_value": 16}
MLA = {"kv_lora_rank": 32, "qk_rope_head_dim": 8, "qk_nope_head_dim": 16, "v_head_dim": 16}
DEEPSEEK = {"n_routed_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 64,
            "n_shared_experts": 2, "first_k_dense_replace": 1, "n_group": 1, "topk_group": 1,
            "num_key_value_heads": 8, **MLA}  # fmt: skip


def shape(kv_heads, layout="decoder", **words):
    kinds = {8: "MHA", 1: "MQA", 0: "MLA"}
    return Architecture(layout=layout, attention=kinds.get(kv_heads, "GQA"), n_kv_heads=kv_heads,
                        **SMALL | words)  # fmt: skip


def config(kind, **words):
    return AutoConfig.for_model(kind, **words)


CASES = {
    "gpt2": (
        config("gpt2", vocab_size=320, n_positions=64, n_embd=128, n_layer=4, n_head=8),
        shape(8, **GPT2_LIKE),
    ),
    "bert": (
        config("bert", **LLAMA_LIKE | {"intermediate_size": 512}),
        # The embeddings have a norm in place of the last one; token types and the pooler are rest.
        shape(8, "encoder", **GPT2_LIKE, n_other=2 * 128 + 129 * 128),
    ),
    "t5": (
        config("t5", vocab_size=320, d_model=128, d_kv=16, d_ff=256, num_layers=4, num_heads=8),
        shape(8, "encoder-decoder", d_mlp=256, n_mlp_matrices=2, tied=True, n_norms=5,
              n_outer_norms=2, n_other=2 * 32 * 8),
    ),
    "llama": (config("llama", **LLAMA_LIKE, num_key_value_heads=2), shape(2, d_mlp=256)),
    "one KV head": (config("llama", **LLAMA_LIKE, num_key_value_heads=1), shape(1, d_mlp=256)),
    "qwen2": (
        config("qwen2", **LLAMA_LIKE, num_key_value_heads=2),
        shape(2, d_mlp=256, biases="qkv"),
    ),
    "qwen3": (
        config("qwen3", **LLAMA_LIKE, num_key_value_heads=2, head_dim=16),
        shape(2, d_mlp=256, d_qk_norm=32),
    ),
    "gemma3": (
        config("gemma3_text", **LLAMA_LIKE, num_key_value_heads=4, head_dim=16),
        shape(4, d_mlp=256, tied=True, n_norms=4, d_qk_norm=32),
    ),
    "mixtral": (
        config("mixtral", **LLAMA_LIKE | {"intermediate_size": 64}, num_key_value_heads=2),
        shape(2, n_expert_layers=4, **EXPERTS),
    ),
    "deepseek_v2": (
        config("deepseek_v2", **LLAMA_LIKE, **DEEPSEEK, q_lora_rank=None),
        shape(0, d_mlp=256, n_expert_layers=3, n_shared_experts=2, **EXPERTS, **LATENT),
    ),
    "deepseek_v3": (
        config("deepseek_v3", **LLAMA_LIKE, **DEEPSEEK, q_lora_rank=24),
        shape(0, d_mlp=256, n_expert_layers=3, n_shared_experts=2, d_q_latent=24, **EXPERTS,
              **LATENT),
    ),
}  # fmt: skip
CLASSES = {"bert": AutoModel, "t5": AutoModelForSeq2SeqLM}


@pytest.mark.parametrize("name", CASES)
def test_the_count_is_that_of_the_model_that_the_config_builds(name):
    built, counted = CASES[name]
    with torch.device("meta"):
        model = CLASSES.get(name, AutoModelForCausalLM).from_config(built)
    assert sum(one.numel() for one in model.parameters()) == count_parameters(counted).total


@pytest.mark.parametrize("name", ["gpt2", "llama", "one KV head", "gemma3", "t5"])
def test_the_cache_takes_the_bytes_that_its_tensors_take(name):
    built, counted = CASES[name]
    torch.manual_seed(0)
    model = CLASSES.get(name, AutoModelForCausalLM).from_config(built).eval()
    ids = torch.arange(24)[None]
    inputs = {"input_ids": ids} | ({"decoder_input_ids": ids} if name == "t5" else {})
    with torch.no_grad():
        cache = model(**inputs, use_cache=True).past_key_values
    parts = [cache.self_attention_cache, cache.cross_attention_cache] if name == "t5" else [cache]
    tensors = [
        tensor
        for part in parts
        for layer in part.layers[: counted.n_layers]
        for tensor in (layer.keys, layer.values)
    ]
    assert len(tensors) == 2 * counted.n_layers * len(parts)
    taken = sum(tensor.numel() * tensor.element_size() for tensor in tensors)
    assert taken == architecture_cache_bytes(counted, ids.shape[1], number="float32")
