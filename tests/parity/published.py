"""Checkpoints as the hub has them: settings, names and files of gpt2, bert-base-uncased, t5-small.

Only the numbers of layers and the widths are smaller, and the weights are random. The names are
written out here and not asked of transformers, whose present names differ from those of the files.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from tests.parity.tiny_berts import tiny_wordpiece
from tests.parity.tiny_models import D_VOCAB, TEXTS, tiny_tokenizer

Shapes = dict[str, tuple[int, ...]]

GPT2 = {
    "activation_function": "gelu_new",
    "architectures": ["GPT2LMHeadModel"],
    "attn_pdrop": 0.1,
    "bos_token_id": 0,
    "embd_pdrop": 0.1,
    "eos_token_id": 0,
    "initializer_range": 0.02,
    "layer_norm_epsilon": 1e-05,
    "model_type": "gpt2",
    "n_ctx": 64,
    "n_embd": 24,
    "n_head": 4,
    "n_layer": 2,
    "n_positions": 64,
    "resid_pdrop": 0.1,
    "summary_activation": None,
    "summary_first_dropout": 0.1,
    "summary_proj_to_labels": True,
    "summary_type": "cls_index",
    "summary_use_proj": True,
    "task_specific_params": {"text-generation": {"do_sample": True, "max_length": 50}},
    "vocab_size": D_VOCAB,
}
BERT = {
    "architectures": ["BertForMaskedLM"],
    "attention_probs_dropout_prob": 0.1,
    "gradient_checkpointing": False,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1,
    "hidden_size": 30,
    "initializer_range": 0.02,
    "intermediate_size": 60,
    "layer_norm_eps": 1e-12,
    "max_position_embeddings": 48,
    "model_type": "bert",
    "num_attention_heads": 3,
    "num_hidden_layers": 3,
    "pad_token_id": 0,
    "position_embedding_type": "absolute",
    "transformers_version": "4.6.0.dev0",
    "type_vocab_size": 2,
    "use_cache": True,
    "vocab_size": 40,
}
T5 = {
    "architectures": ["T5ForConditionalGeneration"],
    "d_ff": 64,
    # In t5-small the heads are as wide together as the stream; here they are wider.
    "d_kv": 12,
    "d_model": 28,
    "decoder_start_token_id": 0,
    "dropout_rate": 0.1,
    "eos_token_id": 1,
    "initializer_factor": 1.0,
    "is_encoder_decoder": True,
    "layer_norm_epsilon": 1e-06,
    "model_type": "t5",
    "n_positions": 512,
    "num_heads": 3,
    "num_layers": 2,
    "output_past": True,
    "pad_token_id": 0,
    "relative_attention_num_buckets": 32,
    "task_specific_params": {
        "summarization": {
            "early_stopping": True,
            "length_penalty": 2.0,
            "max_length": 200,
            "min_length": 30,
            "no_repeat_ngram_size": 3,
            "num_beams": 4,
            "prefix": "summarize: ",
        },
        "translation_en_to_de": {
            "early_stopping": True,
            "max_length": 300,
            "num_beams": 4,
            "prefix": "translate English to German: ",
        },
    },
    "use_cache": True,
    "vocab_size": 128,
}
ODD_PAIR = {
    "text": "The cat sat on the mat",
    "word": "and",
    "at": "1",
    "by": "dog",
    "blank": "2",
    "new": "3",
    "one": "The cat sat by the door",
    "other": "The cat sat by the dog",
}
"""A link to texts that the small gpt2 and bert-base-uncased can both read."""

V1_1 = {"feed_forward_proj": "gated-gelu", "tie_word_embeddings": False}
"""What the configs of version 1.1 say besides."""


def gpt2_shapes(settings: Mapping[str, object]) -> Shapes:
    """Return the tensors of gpt2: no prefix, and each layer's causal mask among the weights."""
    width, n = int(settings["n_embd"]), int(settings["n_positions"])
    shapes: Shapes = {"wte.weight": (int(settings["vocab_size"]), width), "wpe.weight": (n, width)}
    for layer in range(int(settings["n_layer"])):
        block = f"h.{layer}"
        shapes[f"{block}.attn.bias"] = (1, 1, n, n)
        shapes |= _biased(f"{block}.attn.c_attn", (width, 3 * width), 1)
        shapes |= _biased(f"{block}.attn.c_proj", (width, width), 1)
        shapes |= _biased(f"{block}.mlp.c_fc", (width, 4 * width), 1)
        shapes |= _biased(f"{block}.mlp.c_proj", (4 * width, width), 1)
        for norm in ("ln_1", "ln_2"):
            shapes |= _biased(f"{block}.{norm}", (width,), 0)
    return shapes | _biased("ln_f", (width,), 0)


def bert_shapes(settings: Mapping[str, object]) -> Shapes:
    """Return the tensors of bert-base-uncased: norms called gamma and beta, heads of both tasks."""
    width, inner = int(settings["hidden_size"]), int(settings["intermediate_size"])
    d_vocab = int(settings["vocab_size"])
    n = int(settings["max_position_embeddings"])
    shapes: Shapes = {
        "bert.embeddings.position_ids": (1, n),
        "bert.embeddings.word_embeddings.weight": (d_vocab, width),
        "bert.embeddings.position_embeddings.weight": (n, width),
        "bert.embeddings.token_type_embeddings.weight": (2, width),
        **_old_norm("bert.embeddings", width),
    }
    for layer in range(int(settings["num_hidden_layers"])):
        block = f"bert.encoder.layer.{layer}"
        for name in ("query", "key", "value"):
            shapes |= _biased(f"{block}.attention.self.{name}", (width, width), 0)
        shapes |= _biased(f"{block}.attention.output.dense", (width, width), 0)
        shapes |= _old_norm(f"{block}.attention.output", width)
        shapes |= _biased(f"{block}.intermediate.dense", (inner, width), 0)
        shapes |= _biased(f"{block}.output.dense", (width, inner), 0)
        shapes |= _old_norm(f"{block}.output", width)
    shapes |= _biased("bert.pooler.dense", (width, width), 0)
    shapes |= _biased("cls.predictions.transform.dense", (width, width), 0)
    shapes |= _old_norm("cls.predictions.transform", width)
    shapes["cls.predictions.bias"] = (d_vocab,)
    shapes["cls.predictions.decoder.weight"] = (d_vocab, width)
    return shapes | _biased("cls.seq_relationship", (2, width), 0)


def t5_shapes(settings: Mapping[str, object]) -> Shapes:
    """Return the tensors of t5-small, with a bias of cross-attention that nothing uses."""
    width, inner = int(settings["d_model"]), int(settings["num_heads"]) * int(settings["d_kv"])
    d_vocab, d_ff = int(settings["vocab_size"]), int(settings["d_ff"])
    buckets = (int(settings["relative_attention_num_buckets"]), int(settings["num_heads"]))
    gated = str(settings.get("feed_forward_proj", "relu")).startswith("gated")
    shapes: Shapes = {"shared.weight": (d_vocab, width)}
    for stack, attentions in (
        ("encoder", ("SelfAttention",)),
        ("decoder", ("SelfAttention", "EncDecAttention")),
    ):
        shapes[f"{stack}.embed_tokens.weight"] = (d_vocab, width)
        for layer in range(int(settings["num_layers"])):
            for number, attention in enumerate((*attentions, "DenseReluDense")):
                part = f"{stack}.block.{layer}.layer.{number}"
                shapes[f"{part}.layer_norm.weight"] = (width,)
                if attention == "DenseReluDense":
                    for name in ("wi_0", "wi_1") if gated else ("wi",):
                        shapes[f"{part}.{attention}.{name}.weight"] = (d_ff, width)
                    shapes[f"{part}.{attention}.wo.weight"] = (width, d_ff)
                    continue
                for name in ("q", "k", "v"):
                    shapes[f"{part}.{attention}.{name}.weight"] = (inner, width)
                shapes[f"{part}.{attention}.o.weight"] = (width, inner)
                if layer == 0:
                    shapes[f"{part}.{attention}.relative_attention_bias.weight"] = buckets
        shapes[f"{stack}.final_layer_norm.weight"] = (width,)
    if settings.get("tie_word_embeddings") is False:
        shapes["lm_head.weight"] = (d_vocab, width)
    return shapes


def save_gpt2(folder: Path) -> Path:
    """Write a small gpt2 to a folder."""
    weights = _random(gpt2_shapes(GPT2))
    n = GPT2["n_positions"]
    for name in weights:
        if name.endswith(".attn.bias"):
            weights[name] = torch.ones(n, n).tril().reshape(1, 1, n, n)
    ends = {"bos_token_id": 0, "eos_token_id": 0}
    _write(folder, GPT2, weights, {"_from_model_config": True, **ends})
    backend = tiny_tokenizer().backend_tokenizer
    _write_tokenizer(folder, backend, {"model_max_length": GPT2["n_positions"]})
    model = json.loads(backend.to_str())["model"]
    (folder / "vocab.json").write_text(json.dumps(model["vocab"]), encoding="utf-8")
    merges = "\n".join(" ".join(pair) for pair in model["merges"])
    (folder / "merges.txt").write_text(f"#version: 0.2\n{merges}\n", encoding="utf-8")
    return folder


def save_bert(folder: Path) -> Path:
    """Write a small bert-base-uncased to a folder."""
    weights = _random(bert_shapes(BERT))
    weights["bert.embeddings.position_ids"] = torch.arange(BERT["max_position_embeddings"])[None]
    weights["cls.predictions.decoder.weight"] = weights[
        "bert.embeddings.word_embeddings.weight"
    ].clone()
    _write(folder, BERT, weights)
    backend = tiny_wordpiece().backend_tokenizer
    settings = {"do_lower_case": True, "model_max_length": BERT["max_position_embeddings"]}
    _write_tokenizer(folder, backend, settings)
    known = backend.get_vocab()
    lines = "\n".join(sorted(known, key=known.__getitem__))
    (folder / "vocab.txt").write_text(f"{lines}\n", encoding="utf-8")
    return folder


def save_t5(folder: Path, **settings: object) -> Path:
    """Write a small t5-small, or with `V1_1` a small google/t5-v1_1-small, to a folder."""
    config = T5 | settings
    weights = _random(t5_shapes(config))
    for stack in ("encoder", "decoder"):
        weights[f"{stack}.embed_tokens.weight"] = weights["shared.weight"].clone()
    ends = {"decoder_start_token_id": 0, "eos_token_id": 1, "pad_token_id": 0}
    _write(folder, config, weights, {"_from_model_config": True, **ends})
    sentinels = [f"<extra_id_{number}>" for number in range(20)]
    marks = {"eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}
    lists = {"extra_ids": len(sentinels), "additional_special_tokens": sentinels}
    _write_tokenizer(folder, unigram(sentinels), {"model_max_length": 64, **marks, **lists})
    return folder


def unigram(sentinels: Iterable[str]) -> Tokenizer:
    """Return a tokenizer of the kind that SentencePiece makes, with the sentinels at its end."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=60,
        special_tokens=["<pad>", "</s>", "<unk>"],
        unk_token="<unk>",
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXTS * 4, trainer)
    tokenizer.add_special_tokens([AddedToken(text, special=True) for text in sentinels])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 1)]
    )
    return tokenizer


def _biased(name: str, shape: tuple[int, ...], axis: int) -> Shapes:
    return {f"{name}.weight": shape, f"{name}.bias": (shape[axis],)}


def _old_norm(name: str, width: int) -> Shapes:
    return {f"{name}.LayerNorm.gamma": (width,), f"{name}.LayerNorm.beta": (width,)}


def _random(shapes: Shapes) -> dict[str, torch.Tensor]:
    draw = torch.Generator().manual_seed(5)
    scales = ("gamma", "norm.weight", "ln_1.weight", "ln_2.weight", "ln_f.weight")
    return {
        # Wide enough that heads differ and attention is far from even.
        name: 0.25 * torch.randn(shape, generator=draw) + (1.0 if name.endswith(scales) else 0.0)
        for name, shape in shapes.items()
    }


def _write(
    folder: Path,
    config: Mapping[str, object],
    weights: dict[str, torch.Tensor],
    generation: Mapping[str, object] | None = None,
) -> None:
    (folder / "config.json").write_text(json.dumps(config, indent=2), encoding="utf-8")
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    if generation is not None:
        text = json.dumps(generation, indent=2)
        (folder / "generation_config.json").write_text(text, encoding="utf-8")


def _write_tokenizer(folder: Path, backend: Tokenizer, settings: Mapping[str, object]) -> None:
    backend.save(str(folder / "tokenizer.json"))
    text = json.dumps(settings, indent=2)
    (folder / "tokenizer_config.json").write_text(text, encoding="utf-8")
