"""A tiny Llama as a GGUF file, laid out as llama.cpp's tools do it, and wheels that hold it."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import gguf
import numpy as np
import pytest
from transformers import PreTrainedModel

from kvviz.published.catalogue import PublishedModel, Wheel
from tests.parity.tiny_decoders import TinyDecoder
from tests.parity.tiny_models import tiny_tokenizer

SHAPE = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "tie_word_embeddings": True,
}
"""Rows of a multiple of 32 numbers, the block of the 4-bit formats."""

TEMPLATE = (
    "{% for message in messages %}{{ message['role'] + ': ' + message['content'] }}{% endfor %}"
)
NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}


def tiny_llama() -> PreTrainedModel:
    """Return the model that the file holds."""
    return TinyDecoder("gguf", config=SHAPE).build().eval()


def write_gguf(
    path: Path,
    *,
    architecture: str = "llama",
    kind: Any = gguf.GGMLQuantizationType.F32,
    template: str = TEMPLATE,
) -> Path:
    """Write the tiny model; its matrices in numbers of that kind."""
    model = tiny_llama()
    config = model.config
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_name("tiny")
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_rope_dimension_count(config.head_dim)
    writer.add_vocab_size(config.vocab_size)
    _add_tokenizer(writer, config.vocab_size, template)
    for name, tensor in model.state_dict().items():
        if name == "lm_head.weight":
            continue
        numbers = tensor.numpy()
        if name.endswith("q_proj.weight"):
            numbers = _in_pairs(numbers, config.num_attention_heads)
        if name.endswith("k_proj.weight"):
            numbers = _in_pairs(numbers, config.num_key_value_heads)
        if numbers.ndim == 2 and kind != gguf.GGMLQuantizationType.F32:
            writer.add_tensor(_named(name), gguf.quantize(numbers, kind), raw_dtype=kind)
        else:
            writer.add_tensor(_named(name), numbers)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _in_pairs(weight: np.ndarray, n_heads: int) -> np.ndarray:
    """Put the rows of each head in llama.cpp's order: number 2i beside the one it turns with."""
    halves = weight.reshape(n_heads, 2, weight.shape[0] // n_heads // 2, weight.shape[1])
    return np.ascontiguousarray(halves.swapaxes(1, 2).reshape(weight.shape))


def _named(name: str) -> str:
    whole = {
        "model.embed_tokens.weight": "token_embd.weight",
        "model.norm.weight": "output_norm.weight",
    }
    if name in whole:
        return whole[name]
    _model, _layers, number, part = name.split(".", 3)
    return f"blk.{number}.{NAMES[part.removesuffix('.weight')]}.weight"


def _add_tokenizer(writer: Any, d_vocab: int, template: str) -> None:
    described = json.loads(tiny_tokenizer().backend_tokenizer.to_str())["model"]
    known = sorted(described["vocab"], key=described["vocab"].__getitem__)
    spare = [f"<unused{number}>" for number in range(d_vocab - len(known))]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list([*known, *spare])
    writer.add_token_types([3] + [1] * (len(known) - 1) + [5] * len(spare))
    writer.add_token_merges([" ".join(pair) for pair in described["merges"]])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(0)
    writer.add_chat_template(template)


def published_tiny(index: Path, gguf_file: Path, *, has_terms: bool = False) -> PublishedModel:
    """Put a GGUF into two wheels of an index, and return what a catalogue would say of it."""
    whole = gguf_file.read_bytes()
    index.mkdir(exist_ok=True)
    cut = len(whole) // 2
    wheels = []
    for number, data in enumerate((whole[:cut], whole[cut:])):
        part, paper = f"tiny_part{number}/model.part", f"tiny_part{number}/LICENSE"
        name = f"kvviz-tiny-part{number}"
        file = index / f"{name.replace('-', '_')}-1.0-py3-none-any.whl"
        with ZipFile(file, "w") as package:
            package.writestr(part, data)
            package.writestr(paper, "do as you like")
            about = f"{name.replace('-', '_')}-1.0.dist-info"
            package.writestr(
                f"{about}/METADATA",
                f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\nRequires-Dist: no-such\n",
            )
            package.writestr(
                f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
            )
            package.writestr(f"{about}/RECORD", "")
        held = file.read_bytes()
        papers = ((paper, "LICENSE"),) if number else ()
        wheels.append(
            Wheel(name, "1.0", hashlib.sha256(held).hexdigest(), len(held), (part,), papers)
        )
    return PublishedModel(
        name="tiny",
        title="Tiny",
        origin="Nobody",
        licence="Terms of Nobody",
        licence_address="https://example.org/terms",
        has_terms=has_terms,
        architecture="llama",
        numbers="all in 32 bits",
        n_params=tiny_llama().num_parameters(),
        wheels=tuple(wheels),
        gguf_sha256=hashlib.sha256(whole).hexdigest(),
        gguf_bytes=len(whole),
        reading_bytes=10**6,
    )


def fetch_only_from(index: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a folder of wheels be pip's only index, and let models be added in a home of their own.

    Args:
        index: The folder.
        home: Where models are added.
        monkeypatch: Takes it back after the test.
    """
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    monkeypatch.setenv("KVVIZ_HOME", str(home))
