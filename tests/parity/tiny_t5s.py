"""Tiny T5 checkpoints in odd shapes and in the layouts that are out in the world."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast, T5Config, T5ForConditionalGeneration

from tests.parity.tiny_models import TEXTS

TEXT = "The cat sat on the mat, and the <extra_id_0> sat by"
N_NEW = 12
SPECIAL = ["<pad>", "</s>", *(f"<extra_id_{i}>" for i in range(4))]


@dataclass(frozen=True)
class TinyT5:
    """A shape of T5 that differs from the ordinary in one or more ways.

    Attributes:
        name: What it is about.
        dtype: Number format to load it in.
        old_copies: Whether its checkpoint holds copies of the embedding, and the bias of
            cross-attention that the first checkpoints had and never used.
        tied: Whether its head is the embedding. A tied head on random weights says the last token
            again, so that most cases have a head of their own, which makes for varied runs.
        as_published: Whether its config says what configs of version 1.1 say of the head, and not
            what transformers makes of it when it saves one.
        seed: Seed of its weights.
        config: Settings that differ.
    """

    name: str
    dtype: str = "float32"
    old_copies: bool = False
    tied: bool = False
    as_published: bool = False
    seed: int = 11
    config: dict[str, object] = field(default_factory=dict)

    def build_config(self) -> T5Config:
        settings = {
            "vocab_size": 300,
            "d_model": 24,
            "d_kv": 8,
            "d_ff": 40,
            "num_layers": 2,
            "num_heads": 3,
            "relative_attention_num_buckets": 8,
            "relative_attention_max_distance": 10,
            "pad_token_id": 0,
            # The parity tests compare whole runs, so no run may end before its time.
            "eos_token_id": None,
            "decoder_start_token_id": 0,
        }
        return T5Config(**{**settings, **self.config})

    def save(self, folder: Path) -> Path:
        """Write config, weights and tokenizer to a folder."""
        torch.manual_seed(self.seed)
        model = T5ForConditionalGeneration(self.build_config())
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                # Wide enough that heads differ; scores are not scaled down, so not too wide.
                offset = 1.0 if name.endswith("layer_norm.weight") else 0.0
                parameter.normal_(offset, 0.25)
            model.shared.weight.normal_(0.0, 1.0)
        model.save_pretrained(folder)
        path = folder / "model.safetensors"
        weights = load_file(path)
        if not self.tied:
            weights["lm_head.weight"] = torch.randn_like(weights["shared.weight"])
        if self.old_copies:
            for stack in ("encoder", "decoder"):
                weights[f"{stack}.embed_tokens.weight"] = weights["shared.weight"].clone()
            bias = "block.0.layer.1.EncDecAttention.relative_attention_bias.weight"
            weights[f"decoder.{bias}"] = torch.randn(8, 3)
        save_file(weights, path, metadata={"format": "pt"})
        if self.as_published:
            config = json.loads((folder / "config.json").read_text())
            config["tie_word_embeddings"] = config.pop("scale_decoder_outputs")
            (folder / "config.json").write_text(json.dumps(config))
        tiny_sentinels().save_pretrained(folder)
        return folder

    def load_plain(self, folder: Path) -> T5ForConditionalGeneration:
        """Load the checkpoint as transformers alone would, with its eager attention."""
        dtype = getattr(torch, self.dtype)
        model = T5ForConditionalGeneration.from_pretrained(
            folder, dtype=dtype, attn_implementation="eager"
        )
        return model.eval()


TINY_T5S = [
    TinyT5("plain"),
    TinyT5("tied", tied=True),
    TinyT5("one head", config={"num_heads": 1}),
    TinyT5("heads wider than the stream", config={"d_model": 10, "d_kv": 7, "num_heads": 3}),
    TinyT5("heads narrower than the stream", config={"d_kv": 2}),
    TinyT5("deep encoder", config={"num_layers": 3, "num_decoder_layers": 1}),
    TinyT5("deep decoder", seed=12, config={"num_layers": 1, "num_decoder_layers": 3}),
    TinyT5("gated", config={"feed_forward_proj": "gated-gelu"}),
    TinyT5(
        "version 1.1",
        as_published=True,
        config={"feed_forward_proj": "gated-gelu", "tie_word_embeddings": False},
    ),
    TinyT5("version 1.1 saved again", config={"tie_word_embeddings": False}),
    TinyT5(
        "version 1.1 saved again without its head",
        tied=True,
        config={"feed_forward_proj": "gated-gelu", "tie_word_embeddings": False},
    ),
    TinyT5("first checkpoints", old_copies=True, tied=True),
    TinyT5("float64", dtype="float64"),
    TinyT5("bfloat16", dtype="bfloat16"),
    TinyT5("float16", dtype="float16"),
]


def tiny_sentinels() -> PreTrainedTokenizerFast:
    """Return a tokenizer with sentinels that ends each text with </s>."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=290,
        special_tokens=[AddedToken(token, special=True) for token in SPECIAL],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 1)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", model_max_length=64
    )
