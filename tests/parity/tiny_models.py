"""Tiny GPT-2 checkpoints in odd shapes, written to folders as a user would have them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

PROMPT = "The cat sat on the mat, and the dog sat by"
N_NEW = 12
TEXTS = ["The cat sat on the mat.", "The dog sat by the door, and the cat saw the dog."]
D_VOCAB = 320  # 256 bytes, the end of text, some merges, and entries that no token uses


@dataclass(frozen=True)
class TinyModel:
    """A shape of GPT-2 that differs from the ordinary in one or more ways."""

    name: str
    dtype: str = "float32"
    config: dict[str, object] = field(default_factory=dict)

    def build_config(self) -> GPT2Config:
        settings = {
            "vocab_size": D_VOCAB,
            "n_positions": 48,
            "n_embd": 24,
            "n_layer": 3,
            "n_head": 3,
            "bos_token_id": 0,
            # The parity tests compare whole runs, so no run may end before its time.
            "eos_token_id": None,
        }
        return GPT2Config(**{**settings, **self.config})

    def save(self, folder: Path) -> Path:
        """Write config, weights and tokenizer to a folder."""
        torch.manual_seed(7)
        model = GPT2LMHeadModel(self.build_config())
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                # Wide enough that heads differ and attention is far from even.
                offset = 1.0 if ".ln_" in name and name.endswith("weight") else 0.0
                parameter.normal_(offset, 0.3)
        model.save_pretrained(folder)
        tiny_tokenizer().save_pretrained(folder)
        return folder

    def load_plain(self, folder: Path) -> GPT2LMHeadModel:
        """Load the checkpoint as transformers alone would, with its eager attention."""
        dtype = getattr(torch, self.dtype)
        model = GPT2LMHeadModel.from_pretrained(folder, dtype=dtype, attn_implementation="eager")
        return model.eval()


TINY_MODELS = [
    TinyModel("plain"),
    TinyModel("one head", config={"n_head": 1}),
    TinyModel("odd heads and width", config={"n_embd": 35, "n_head": 5}),
    TinyModel("heads one wide", config={"n_embd": 6, "n_head": 6}),
    TinyModel("one layer", config={"n_layer": 1}),
    TinyModel("narrow mlp", config={"n_inner": 13}),
    TinyModel("relu", config={"activation_function": "relu"}),
    TinyModel("scaled by layer", config={"scale_attn_by_inverse_layer_idx": True}),
    TinyModel("unscaled", config={"scale_attn_weights": False}),
    TinyModel(
        "unscaled but by layer",
        config={"scale_attn_weights": False, "scale_attn_by_inverse_layer_idx": True},
    ),
    TinyModel("upcast", config={"reorder_and_upcast_attn": True}),
    TinyModel("untied", config={"tie_word_embeddings": False}),
    TinyModel("float64", dtype="float64"),
    TinyModel("bfloat16", dtype="bfloat16"),
    TinyModel("float16", dtype="float16"),
    TinyModel("upcast bfloat16", dtype="bfloat16", config={"reorder_and_upcast_attn": True}),
]


def tiny_tokenizer() -> PreTrainedTokenizerFast:
    """Return a byte-level BPE tokenizer with a few merges, made on the spot."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=D_VOCAB - 20,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|endoftext|>")
