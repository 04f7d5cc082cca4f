"""Tiny Llamas, their kin and Gemmas in odd shapes, written to folders as a user would have them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import torch
import transformers
from transformers import PreTrainedModel

from tests.parity.tiny_models import D_VOCAB, tiny_tokenizer

FULL, SLIDING = "full_attention", "sliding_attention"


@dataclass(frozen=True)
class TinyDecoder:
    """A shape of one of the model types that share KV heads among query heads.

    Attributes:
        name: Of the case.
        kind: How the names of its classes begin.
        dtype: What it is loaded in.
        config: Settings that differ from the usual.
        written: Settings that config.json is given besides, as older configs have them.
    """

    name: str
    kind: str = "Llama"
    dtype: str = "float32"
    config: dict[str, object] = field(default_factory=dict)
    written: dict[str, object] = field(default_factory=dict)

    @property
    def module_class(self) -> type[PreTrainedModel]:
        return getattr(transformers, f"{self.kind}ForCausalLM")

    def build(self) -> PreTrainedModel:
        """Return the model with weights wide enough that heads differ."""
        text = "Text" if self.kind == "Gemma3" else ""
        settings = {
            "vocab_size": D_VOCAB,
            "hidden_size": 24,
            "intermediate_size": 20,
            "num_hidden_layers": 3,
            "num_attention_heads": 3,
            "num_key_value_heads": 1,
            "head_dim": 6,
            "max_position_embeddings": 48,
            "pad_token_id": None,
            "bos_token_id": 0,
            # The parity tests compare whole runs, so no run may end before its time.
            "eos_token_id": None,
        }
        config = getattr(transformers, f"{self.kind}{text}Config")(**{**settings, **self.config})
        torch.manual_seed(8)  # with which no case writes one token all the time
        model = self.module_class(config)
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                # A Gemma adds 1 to the weights of its norms itself.
                offset = 1.0 if "norm" in name and self.kind != "Gemma3" else 0.0
                parameter.normal_(offset, 0.3)
        return model

    def save(self, folder: Path) -> Path:
        """Write config, weights and tokenizer to a folder."""
        self.build().save_pretrained(folder)
        if self.written:
            path = folder / "config.json"
            said = {**json.loads(path.read_text()), **self.written}
            said = {name: value for name, value in said.items() if value is not ...}
            path.write_text(json.dumps(said))
        tiny_tokenizer().save_pretrained(folder)
        return folder

    def load_plain(self, folder: Path) -> PreTrainedModel:
        """Load the checkpoint as transformers alone would, with its eager attention."""
        dtype = getattr(torch, self.dtype)
        model = self.module_class.from_pretrained(folder, dtype=dtype, attn_implementation="eager")
        return model.eval()


SIX_OVER_TWO = {"num_attention_heads": 6, "num_key_value_heads": 2}
FOUR_OVER_FOUR = {"num_attention_heads": 4, "num_key_value_heads": 4}
TINY_DECODERS = [
    TinyDecoder("three heads over one"),
    TinyDecoder("six over two, tied", config={**SIX_OVER_TWO, "tie_word_embeddings": True}),
    TinyDecoder("biases", config={**FOUR_OVER_FOUR, "attention_bias": True, "mlp_bias": True}),
    TinyDecoder(
        "linear positions",
        config={"hidden_act": "gelu_pytorch_tanh"},
        written={
            "rope_parameters": ...,
            "rope_theta": 500.0,
            "rope_scaling": {"type": "linear", "factor": 2.5},
        },
    ),
    TinyDecoder(
        "positions of Llama 3",
        config={
            "rope_parameters": {
                "rope_type": "llama3",
                "rope_theta": 50.0,
                "factor": 4.0,
                "low_freq_factor": 1.0,
                "high_freq_factor": 4.0,
                "original_max_position_embeddings": 24,
            }
        },
    ),
    TinyDecoder("float64", dtype="float64", config=SIX_OVER_TWO),
    TinyDecoder("bfloat16", dtype="bfloat16"),
    TinyDecoder("window of 5", "Mistral", config={**SIX_OVER_TWO, "sliding_window": 5}),
    TinyDecoder("wide window", "Mistral", config={"sliding_window": 40}),
    TinyDecoder("no window", "Mistral", config={"sliding_window": None}),
    TinyDecoder(
        "last layer in a window of 3",
        "Qwen2",
        config={"use_sliding_window": True, "sliding_window": 3, "max_window_layers": 2},
    ),
    TinyDecoder(
        "windows switched off", "Qwen2", config={"sliding_window": 3, "max_window_layers": 0}
    ),
    TinyDecoder(
        "wide heads", "Qwen3", config={**FOUR_OVER_FOUR, "num_key_value_heads": 2, "head_dim": 16}
    ),
    TinyDecoder(
        "first layer full",
        "Qwen3",
        "bfloat16",
        config={
            **SIX_OVER_TWO,
            "use_sliding_window": True,
            "sliding_window": 5,
            "layer_types": [FULL, SLIDING, SLIDING],
        },
    ),
    TinyDecoder("a layer without positions", "SmolLM3", config={"no_rope_layers": [1, 0, 1]}),
    TinyDecoder(
        "two layers without, in windows",
        "SmolLM3",
        config={
            "use_sliding_window": True,
            "sliding_window": 3,
            "no_rope_layers": [0, 1, 0],
            "tie_word_embeddings": False,
        },
    ),
    TinyDecoder(
        "windows first",
        "Gemma3",
        config={
            "sliding_window": 5,
            "layer_types": [SLIDING, SLIDING, FULL],
            "query_pre_attn_scalar": 10,
        },
    ),
    TinyDecoder(
        "a window of 3 in the middle",
        "Gemma3",
        "float64",
        config={
            **SIX_OVER_TWO,
            "sliding_window": 3,
            "layer_types": [FULL, SLIDING, FULL],
            "query_pre_attn_scalar": 3,
        },
        written={
            "rope_parameters": ...,
            "rope_theta": 400.0,
            "rope_local_base_freq": 30.0,
            "rope_scaling": {"rope_type": "linear", "factor": 2.0},
        },
    ),
    TinyDecoder(
        "windows wider than the text",
        "Gemma3",
        "bfloat16",
        config={"sliding_window": 33, "tie_word_embeddings": False},
        written={"layer_types": ..., "sliding_window_pattern": 2},
    ),
]
