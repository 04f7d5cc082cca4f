"""What the config of a Llama, its kin or a Gemma may say, and the sentence where it may not."""

from __future__ import annotations

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers.processors import TemplateProcessing

from kvviz import load_model, trace_generation
from kvviz.engine import trace_encoding
from kvviz.engine.models.families import FAMILIES
from kvviz.engine.models.loading import _build_config
from kvviz.errors import KvvizError, ModelFamilyError, ModelFilesError
from tests.parity.tiny_decoders import SLIDING, TinyDecoder
from tests.parity.tiny_models import PROMPT, tiny_tokenizer

KINDS = {kind.lower(): kind for kind in ("Llama", "Mistral", "Qwen2", "Qwen3", "SmolLM3", "Gemma3")}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return {
        name: TinyDecoder(name, kind).save(tmp_path_factory.mktemp(name))
        for name, kind in KINDS.items()
    }


@pytest.fixture
def said(folders, tmp_path):
    """Return a function that loads a family whose config.json says something else."""

    def load(name, **settings):
        folder = shutil.copytree(folders[name], tmp_path / "model")
        path = folder / "config.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **settings}))
        return load_model(folder, device="cpu")

    return load


def scaled(kind, **numbers):
    return {"rope_parameters": {"rope_type": kind, "rope_theta": 1e4, **numbers}}


LLAMA3 = {"factor": 4.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
REFUSED = [
    ("llama", scaled("yarn", factor=2.0), r"scaled as 'yarn'.*default, linear, llama3"),
    ("llama", scaled("dynamic", factor=2.0), "scaled as 'dynamic'"),
    ("qwen3", {"rope_scaling": {"type": "longrope"}}, "scaled as 'longrope'"),
    ("llama", {"rope_scaling": "linear"}, "rope_scaling is 'linear', and must hold settings"),
    ("llama", scaled("spiral"), "scaled as 'spiral'"),
    (
        "qwen3",
        {"rope_parameters": {SLIDING: {}}},
        "names sliding_attention, and all layers turn alike",
    ),
    ("gemma3", scaled("default"), "rope_parameters names rope_theta, rope_type"),
    ("gemma3", {"rope_parameters": {SLIDING: 3}}, "rope_parameters is 3, and must hold settings"),
    ("gemma3", {"rope_parameters": {SLIDING: {"rope_type": "yarn"}}}, "scaled as 'yarn'"),
    ("llama", {"layer_types": 3}, "layer_types is 3"),
    ("llama", scaled(["linear"]), "scaled as"),
    ("llama", scaled("linear"), "factor is None, and must be a number above 0"),
    ("llama", scaled("linear", factor=0), "factor is 0, and must be a number above 0"),
    ("llama", scaled("llama3", **{**LLAMA3, "high_freq_factor": 1.0}), "must be above"),
    ("llama", scaled("default", partial_rotary_factor=0.5), "turns only a part of each row"),
    ("mistral", {"partial_rotary_factor": 0.25}, "turns only a part of each row"),
    ("llama", {"rope_theta": -1}, "rope_theta is -1"),
    ("gemma3", {"rope_local_base_freq": 0}, "rope_local_base_freq is 0"),
    ("llama", {"num_attention_heads": 4, "num_key_value_heads": 3}, "4 query heads cannot share 3"),
    ("llama", {"num_key_value_heads": 0}, "num_key_value_heads is 0, and must be at least 1"),
    ("llama", {"head_dim": 3}, "head_dim is 3, and must be even"),
    ("llama", {"pad_token_id": 999}, "pad_token_id is 999, and must be in the vocabulary"),
    ("mistral", {"sliding_window": 0}, "sliding_window is 0, and must be at least 1"),
    ("mistral", {"sliding_window": -4}, "sliding_window is -4"),
    ("qwen2", {"layer_types": [SLIDING] * 3}, "sliding_window is None"),
    (
        "qwen3",
        {"use_sliding_window": True, "layer_types": [SLIDING]},
        "transformers says.*layer_types",
    ),
    ("gemma3", {"layer_types": ["chunked_attention"] * 3}, "'chunked_attention'"),
    ("gemma3", {"layer_types": None, "sliding_window_pattern": 0}, "sliding_window_pattern is 0"),
    ("gemma3", {"sliding_window": None}, "sliding_window is None"),
    ("gemma3", {"query_pre_attn_scalar": 0}, "query_pre_attn_scalar is 0"),
    ("gemma3", {"attn_logit_softcapping": 50.0}, "attn_logit_softcapping is 50.0"),
    ("gemma3", {"final_logit_softcapping": 30.0}, "final_logit_softcapping is 30.0"),
    ("gemma3", {"use_bidirectional_attention": True}, "use_bidirectional_attention is True"),
    ("smollm3", {"no_rope_layers": [1]}, "no_rope_layers names 1 layer"),
    ("smollm3", {"no_rope_layer_interval": 0}, "no_rope_layer_interval is 0"),
    ("smollm3", {"layer_types": [SLIDING] * 3, "sliding_window": 3}, "use_sliding_window is off"),
    ("mistral", {"attention_bias": True}, "attention_bias is True, and a Mistral has no such"),
    ("qwen2", {"mlp_bias": True}, "mlp_bias is True, and a Qwen2 has no such thing"),
    ("llama", {"sliding_window": 8}, "sliding_window is 8, and a Llama has no such thing"),
    ("llama", {"num_local_experts": 8}, "num_local_experts is 8: it is a mixture of experts"),
    ("qwen3", {"num_experts": 128}, "a mixture of experts"),
    ("llama", {"is_causal": False}, "is_causal is False"),
    ("llama", {"architectures": ["MistralForCausalLM"]}, "'llama'.*'MistralForCausalLM'"),
    ("qwen2", {"architectures": ["Qwen2MoeForCausalLM"]}, "'Qwen2MoeForCausalLM'"),
    ("llama", {"quantization_config": {"quant_method": "awq"}}, "quantised weights"),
    ("llama", {"model_type": "gemma2"}, "cannot run a Gemma 2 yet"),
    ("llama", {"model_type": "phi3"}, "cannot run a Phi-3 yet"),
    ("llama", {"model_type": "gpt_neox"}, "cannot run a GPT-NeoX yet"),
    ("llama", {"model_type": "mixtral"}, "cannot run a Mixtral yet"),
    ("llama", {"model_type": "qwen2", "architectures": None}, "tensors are missing"),
    ("qwen3", {"model_type": "llama", "architectures": None}, "belong to no Llama"),
]


@pytest.mark.parametrize(("name", "settings", "words"), REFUSED, ids=[one[2] for one in REFUSED])
def test_what_is_not_computed_is_refused_in_a_sentence_that_names_it(said, name, settings, words):
    with pytest.raises((ModelFamilyError, ModelFilesError), match=words) as caught:
        said(name, **settings)
    assert caught.value.fix


_COMMON = {"attention_dropout": 0.0, "initializer_range": 0.02, "use_cache": True}
PUBLISHED = {
    "Llama 3.2 1B": {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "attention_bias": False,
        "head_dim": 64, "hidden_act": "silu", "hidden_size": 2048, "intermediate_size": 8192,
        "max_position_embeddings": 131072, "mlp_bias": False, "num_attention_heads": 32,
        "num_hidden_layers": 16, "num_key_value_heads": 8, "pretraining_tp": 1,
        "rope_scaling": {
            "factor": 32.0, "high_freq_factor": 4.0, "low_freq_factor": 1.0,
            "original_max_position_embeddings": 8192, "rope_type": "llama3",
        },
        "rope_theta": 500000.0, "tie_word_embeddings": True, "vocab_size": 128256,
    },
    "SmolLM2 135M": {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "attention_bias": False,
        "hidden_act": "silu", "hidden_size": 576, "intermediate_size": 1536,
        "is_llama_config": True, "max_position_embeddings": 8192, "mlp_bias": False,
        "num_attention_heads": 9, "num_hidden_layers": 30, "num_key_value_heads": 3,
        "rope_interleaved": False, "rope_scaling": None, "rope_theta": 100000,
        "tie_word_embeddings": True, "vocab_size": 49152,
    },
    "Qwen2.5 0.5B": {
        "architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "hidden_act": "silu",
        "hidden_size": 896, "intermediate_size": 4864, "max_position_embeddings": 32768,
        "max_window_layers": 24, "num_attention_heads": 14, "num_hidden_layers": 24,
        "num_key_value_heads": 2, "rope_theta": 1000000.0, "sliding_window": 32768,
        "tie_word_embeddings": True, "use_mrope": False, "use_sliding_window": False,
        "vocab_size": 151936,
    },
    "Gemma 3 270M": {
        "_sliding_window_pattern": 6, "architectures": ["Gemma3ForCausalLM"],
        "attention_bias": False, "attn_logit_softcapping": None, "final_logit_softcapping": None,
        "head_dim": 256, "hidden_activation": "gelu_pytorch_tanh", "hidden_size": 640,
        "intermediate_size": 2048, "max_position_embeddings": 32768, "model_type": "gemma3_text",
        "num_attention_heads": 4, "num_hidden_layers": 18, "num_key_value_heads": 1,
        "pad_token_id": 0, "query_pre_attn_scalar": 256, "rope_local_base_freq": 10000.0,
        "rope_scaling": None, "rope_theta": 1000000.0, "sliding_window": 512,
        "use_bidirectional_attention": False, "vocab_size": 262144,
    },
}  # fmt: skip
"""What config.json of published models says, as far as it shapes them."""


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_config_of_a_published_model_is_taken_as_it_is(name):
    settings = PUBLISHED[name] | _COMMON
    family = FAMILIES[settings["model_type"]]
    assert family.refusal(settings) == ""
    config = _build_config(settings, family)
    assert family.check(config) == ""
    facts = family.card_facts(config, {})
    assert facts["n_heads"] == settings["num_attention_heads"]
    assert facts["n_kv_heads"] == settings["num_key_value_heads"]
    full = [number for number, window in enumerate(facts["windows"]) if not window]
    assert full == ([5, 11, 17] if name.startswith("Gemma") else [])


def test_what_says_nothing_new_is_taken(said):
    model = said(
        "llama",
        partial_rotary_factor=1.0,
        sliding_window=None,
        num_local_experts=1,
        architectures=["LlamaForSequenceClassification"],
        pretraining_tp=1,
        attention_dropout=0.5,
    )
    assert (model.card.family, model.card.model_type, model.card.windows) == ("llama", "", ())
    assert trace_generation(model, PROMPT, max_new_tokens=2).steps


def test_a_prompt_begins_with_the_token_that_the_tokenizer_puts_there(folders, tmp_path):
    folder = shutil.copytree(folders["llama"], tmp_path / "model")
    tokenizer = tiny_tokenizer()
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single="<|endoftext|> $A", special_tokens=[("<|endoftext|>", 0)]
    )
    tokenizer.save_pretrained(folder)
    model = load_model(folder, device="cpu")
    assert model.first_ids == (0,)
    trace = trace_generation(model, PROMPT, max_new_tokens=2)
    assert trace.token_ids[: trace.n_prompt].tolist() == tokenizer(PROMPT)["input_ids"]
    assert trace.n_prompt == model.count_tokens(PROMPT)
    encoding = trace_encoding(model, PROMPT)
    assert encoding.token_ids.tolist() == trace.token_ids[: trace.n_prompt].tolist()
    assert encoding.special.tolist() == [True] + [False] * (trace.n_prompt - 1)
    with pytest.raises(KvvizError, match="room for"):
        trace_generation(model, PROMPT, max_new_tokens=48 - trace.n_prompt + 1)


@pytest.mark.parametrize("where", ["model.language_model.", "language_model.model."])
def test_the_text_part_of_a_larger_gemma_is_loaded_and_the_rest_left_out(folders, tmp_path, where):
    folder = shutil.copytree(folders["gemma3"], tmp_path / "model")
    alone = load_model(folder, device="cpu")
    path = folder / "config.json"
    outer = {"architectures": ["Gemma3ForConditionalGeneration"], "vision_config": {"depth": 1}}
    text = json.loads(path.read_text())
    path.write_text(json.dumps({**outer, "model_type": "gemma3", "text_config": text}))
    weights = load_file(folder / "model.safetensors")
    renamed = {name.replace("model.", where, 1): tensor for name, tensor in weights.items()}
    renamed["model.vision_tower.patch.weight"] = torch.zeros(2)
    renamed["multi_modal_projector.weight"] = torch.zeros(2)
    save_file(renamed, folder / "model.safetensors", {"format": "pt"})
    model = load_model(folder, device="cpu")
    assert model.left_out == ("multi_modal_projector", "vision_tower")
    ours, theirs = (trace_generation(one, PROMPT, max_new_tokens=3) for one in (model, alone))
    assert ours.token_ids.tolist() == theirs.token_ids.tolist()
    assert (ours.all_keys == theirs.all_keys).all()
