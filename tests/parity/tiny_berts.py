"""Tiny BERT checkpoints in odd shapes and in the layouts that are out in the world."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertForMaskedLM,
    BertForPreTraining,
    BertModel,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

TEXT = "The cat sat on the mats, and the dog sat by"
WORDS = ["the", "cat", "sat", "on", "mat", "##s", ",", "and", "dog", "by", "."]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
LAYOUTS = {"masked": BertForMaskedLM, "pretraining": BertForPreTraining, "headless": BertModel}


@dataclass(frozen=True)
class TinyBert:
    """A shape of BERT that differs from the ordinary in one or more ways.

    Attributes:
        name: What it is about.
        dtype: Number format to load it in.
        layout: What its checkpoint holds: the head, all of pretraining, or no head.
        old_names: Whether its norms have the names of the first checkpoints.
        config: Settings that differ.
    """

    name: str
    dtype: str = "float32"
    layout: str = "masked"
    old_names: bool = False
    config: dict[str, object] = field(default_factory=dict)

    def build_config(self) -> BertConfig:
        settings = {
            "vocab_size": 40,
            "max_position_embeddings": 24,
            "hidden_size": 24,
            "intermediate_size": 40,
            "num_hidden_layers": 3,
            "num_attention_heads": 3,
        }
        return BertConfig(**{**settings, **self.config})

    def save(self, folder: Path) -> Path:
        """Write config, weights and tokenizer to a folder."""
        torch.manual_seed(7)
        model = LAYOUTS[self.layout](self.build_config())
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                # Wide enough that heads differ and attention is far from even.
                parameter.normal_(1.0 if name.endswith("LayerNorm.weight") else 0.0, 0.3)
        model.save_pretrained(folder)
        if self.old_names:
            path = folder / "model.safetensors"
            names = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}
            weights = {}
            for name, tensor in load_file(path).items():
                for new, old in names.items():
                    name = name.replace(new, old)
                weights[name] = tensor
            weights["bert.embeddings.position_ids"] = torch.arange(24)[None]
            save_file(weights, path, metadata={"format": "pt"})
        tiny_wordpiece().save_pretrained(folder)
        return folder

    def load_plain(self, folder: Path) -> PreTrainedModel:
        """Load the checkpoint as transformers alone would, with its eager attention."""
        kind = BertModel if self.layout == "headless" else BertForMaskedLM
        dtype = getattr(torch, self.dtype)
        return kind.from_pretrained(folder, dtype=dtype, attn_implementation="eager").eval()


TINY_BERTS = [
    TinyBert("plain"),
    TinyBert("one head", config={"num_attention_heads": 1}),
    TinyBert("odd heads and width", config={"hidden_size": 35, "num_attention_heads": 5}),
    TinyBert("heads one wide", config={"hidden_size": 6, "num_attention_heads": 6}),
    TinyBert("one layer", config={"num_hidden_layers": 1}),
    TinyBert("relu, wide norm", config={"hidden_act": "relu", "layer_norm_eps": 1e-3}),
    TinyBert("gelu by tanh", config={"hidden_act": "gelu_new"}),
    TinyBert("one token type", config={"type_vocab_size": 1}),
    TinyBert("untied", config={"tie_word_embeddings": False}),
    TinyBert("no head", layout="headless"),
    TinyBert("first checkpoints", layout="pretraining", old_names=True),
    TinyBert("float64", dtype="float64"),
    TinyBert("bfloat16", dtype="bfloat16"),
    TinyBert("float16", dtype="float16"),
]


def tiny_wordpiece() -> PreTrainedTokenizerFast:
    """Return an uncased WordPiece tokenizer of a few words."""
    vocabulary = {token: i for i, token in enumerate([*SPECIAL, *WORDS])}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
    )
