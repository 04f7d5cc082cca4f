"""BERT: an encoder alone, with or without the head that predicts hidden tokens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor
from transformers import BertConfig, BertForMaskedLM, BertModel, PreTrainedModel

from kvviz.engine.models.families.family import Projection, Shape, uncut
from kvviz.engine.observing.observation import watch_hidden, watch_projection
from kvviz.trace.head_origin import RowPart
from kvviz.trace.model_card import Architecture
from kvviz.translation import gettext as _

# The numbers 0, 1, 2 and so on, which old versions stored.
_POSITIONS = "embeddings.position_ids"
_HEAD = "cls.predictions.transform.dense.weight"
# What the two numbers of a norm were called in the first checkpoints.
_OLD_NAMES = {".LayerNorm.gamma": ".LayerNorm.weight", ".LayerNorm.beta": ".LayerNorm.bias"}


class _Bert:
    name: str = "bert"
    model_type: str = ""
    title = "BERT"
    config_class: type = BertConfig
    settings: tuple[str, ...] = (
        "vocab_size",
        "hidden_size",
        "num_hidden_layers",
        "num_attention_heads",
        "intermediate_size",
        "hidden_act",
        "max_position_embeddings",
        "type_vocab_size",
        "layer_norm_eps",
        "pad_token_id",
        "tie_word_embeddings",
    )
    sizes: tuple[str, ...] = (
        "vocab_size",
        "hidden_size",
        "num_hidden_layers",
        "num_attention_heads",
        "intermediate_size",
        "max_position_embeddings",
        "type_vocab_size",
    )
    activation = "hidden_act"
    architecture: Architecture = "encoder"
    n_projections = 2
    adds_ends = True
    has_final_norm = False
    norms_added = False
    other_heads: tuple[str, ...] = (
        "pooler.",
        "cls.seq_relationship.",
        "classifier.",
        "qa_outputs.",
    )

    def refusal(self, settings: dict[str, Any]) -> str:
        if settings.get("is_decoder") or settings.get("add_cross_attention"):
            return _("config.json makes a decoder of it.")
        if settings.get("position_embedding_type", "absolute") != "absolute":
            return _("Its positions are {kind!r}, not absolute.").format(
                kind=settings["position_embedding_type"]
            )
        return ""

    def check(self, config: Any) -> str:
        if config.hidden_size % config.num_attention_heads:
            return uncut(config.hidden_size, config.num_attention_heads)
        if config.pad_token_id is not None and not 0 <= config.pad_token_id < config.vocab_size:
            return _("{setting} is {found}, and must be in the vocabulary.").format(
                setting="pad_token_id", found=config.pad_token_id
            )
        return ""

    def plain_name(self, name: str) -> str:
        name = name.removeprefix("bert.")
        for old, new in _OLD_NAMES.items():
            name = name.removesuffix(old) + new if name.endswith(old) else name
        return "" if name == _POSITIONS else name

    def layer_counts(self, config: Any) -> dict[str, int]:
        return {"encoder.layer.": config.num_hidden_layers}

    def expected(
        self, config: Any, found: Mapping[str, Shape], settings: Mapping[str, Any]
    ) -> Iterator[tuple[str, Shape]]:
        width, inner = config.hidden_size, config.intermediate_size
        yield "embeddings.word_embeddings.weight", (config.vocab_size, width)
        yield "embeddings.position_embeddings.weight", (config.max_position_embeddings, width)
        yield "embeddings.token_type_embeddings.weight", (config.type_vocab_size, width)
        yield from _norm("embeddings", width)
        products = {
            "attention.self.query": (width, width),
            "attention.self.key": (width, width),
            "attention.self.value": (width, width),
            "attention.output.dense": (width, width),
            "intermediate.dense": (inner, width),
            "output.dense": (width, inner),
        }
        for layer in range(config.num_hidden_layers):
            for name, shape in products.items():
                yield f"encoder.layer.{layer}.{name}.weight", shape
                yield f"encoder.layer.{layer}.{name}.bias", shape[:1]
            for part in ("attention.output", "output"):
                yield from _norm(f"encoder.layer.{layer}.{part}", width)
        if _HEAD in found:
            yield _HEAD, (width, width)
            yield "cls.predictions.transform.dense.bias", (width,)
            yield from _norm("cls.predictions.transform", width)
            yield "cls.predictions.bias", (config.vocab_size,)
            tied = config.tie_word_embeddings
            if not tied or "cls.predictions.decoder.weight" in found:
                yield "cls.predictions.decoder.weight", (config.vocab_size, width)
            if not tied or "cls.predictions.decoder.bias" in found:
                yield "cls.predictions.decoder.bias", (config.vocab_size,)

    def module_class(
        self, found: Mapping[str, Shape]
    ) -> tuple[type[PreTrainedModel], dict[str, Any]]:
        if _HEAD in found:
            return BertForMaskedLM, {}
        return BertModel, {"add_pooling_layer": False}

    def card_facts(self, config: Any, found: Mapping[str, Shape]) -> dict[str, Any]:
        return {
            "n_layers": config.num_hidden_layers,
            "n_heads": config.num_attention_heads,
            "n_kv_heads": config.num_attention_heads,
            "d_head": config.hidden_size // config.num_attention_heads,
            "d_model": config.hidden_size,
            "d_mlp": config.intermediate_size,
            "has_head": _HEAD in found,
        }

    def n_ctx(self, config: Any, tokenizer: Any) -> int:
        return config.max_position_embeddings

    def writing_inputs(self, tokens: Tensor, n_logits: int = 1) -> dict[str, Any]:
        return self.reading_inputs(tokens)

    def reading_inputs(self, tokens: Tensor) -> dict[str, Any]:
        return {"input_ids": tokens}

    def trial_inputs(self, tokens: Tensor) -> dict[str, Any]:
        return self.reading_inputs(tokens)

    def reader(self, module: Any) -> Any:
        return module

    def watch(self, module: Any) -> None:
        blocks = module.base_model.encoder.layer
        for layer, block in enumerate(blocks):
            watch_projection(block.attention.self.key, layer)
            watch_projection(block.attention.self.value, layer)
        watch_hidden(blocks)

    def projection(self, module: Any, layer: int, part: RowPart, *, cross: bool) -> Projection:
        product = getattr(module.base_model.encoder.layer[layer].attention.self, part)
        return Projection(product.weight.T, product.bias)

    def turn(self, module: Any, layer: int, n_places: int | Tensor) -> None:
        """Return None: positions are told in the embeddings."""


def _norm(part: str, width: int) -> Iterator[tuple[str, Shape]]:
    yield f"{part}.LayerNorm.weight", (width,)
    yield f"{part}.LayerNorm.bias", (width,)


BERT = _Bert()
