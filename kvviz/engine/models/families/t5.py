"""T5: an encoder and a decoder, in the shapes of the first and of the later (gated) checkpoints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor
from transformers import PreTrainedModel, T5Config, T5ForConditionalGeneration

from kvviz.engine.models.families.family import Projection, Shape, too_small
from kvviz.engine.observing.observation import (
    mark_cross_attention,
    watch_added,
    watch_given,
    watch_hidden,
    watch_projection,
)
from kvviz.trace.head_origin import ROW_PARTS, RowPart
from kvviz.trace.model_card import Architecture
from kvviz.translation import gettext as _
from kvviz.translation import ngettext

# Copies of the shared embedding, and a bias of the cross-attention that was never used.
_NOT_NEEDED = (
    "encoder.embed_tokens.weight",
    "decoder.embed_tokens.weight",
    "decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight",
)
_BIAS = "layer.0.SelfAttention.relative_attention_bias.weight"
_USUAL_N_CTX = 512


class _T5:
    name: str = "t5"
    model_type: str = ""
    title = "T5"
    config_class: type = T5Config
    sizes: tuple[str, ...] = (
        "vocab_size",
        "d_model",
        "d_kv",
        "d_ff",
        "num_layers",
        "num_decoder_layers",
        "num_heads",
        "relative_attention_num_buckets",
        "relative_attention_max_distance",
    )
    settings: tuple[str, ...] = (
        *sizes,
        "layer_norm_epsilon",
        "feed_forward_proj",
        "pad_token_id",
        "eos_token_id",
        "tie_word_embeddings",
        "scale_decoder_outputs",
    )
    activation = "dense_act_fn"
    architecture: Architecture = "encoder-decoder"
    n_projections = 2
    adds_ends = True
    has_final_norm = True
    norms_added = False
    other_heads: tuple[str, ...] = ("classification_head.", "classifier.", "qa_outputs.")

    def refusal(self, settings: dict[str, Any]) -> str:
        if settings.get("is_encoder_decoder") is False or settings.get("is_decoder"):
            return _("config.json makes only an encoder or only a decoder of it.")
        return ""

    def check(self, config: Any) -> str:
        if type(config.scale_decoder_outputs) is not bool:
            return _("{setting} is {found!r}, and must be true or false.").format(
                setting="scale_decoder_outputs", found=config.scale_decoder_outputs
            )
        if config.relative_attention_num_buckets < 4:
            name = "relative_attention_num_buckets"
            return too_small(name, config.relative_attention_num_buckets, 4)
        if config.relative_attention_max_distance <= config.relative_attention_num_buckets // 2:
            n_buckets = config.relative_attention_num_buckets
            return ngettext(
                "The distances reach {found}, too few for {n} bucket.",
                "The distances reach {found}, too few for {n} buckets.",
                n_buckets,
            ).format(found=config.relative_attention_max_distance, n=n_buckets)
        return ""

    def plain_name(self, name: str) -> str:
        # A T5 that classifies calls the model below its head so.
        name = name.removeprefix("transformer.")
        return "" if name in _NOT_NEEDED else name

    def layer_counts(self, config: Any) -> dict[str, int]:
        return {
            "encoder.block.": config.num_layers,
            "decoder.block.": config.num_decoder_layers,
        }

    def expected(
        self, config: Any, found: Mapping[str, Shape], settings: Mapping[str, Any]
    ) -> Iterator[tuple[str, Shape]]:
        width = config.d_model
        yield "shared.weight", (config.vocab_size, width)
        for stack, n_layers in (
            ("encoder", config.num_layers),
            ("decoder", config.num_decoder_layers),
        ):
            attentions = ["SelfAttention", "EncDecAttention"][: 1 if stack == "encoder" else 2]
            buckets = (config.relative_attention_num_buckets, config.num_heads)
            yield f"{stack}.block.0.{_BIAS}", buckets
            for layer in range(n_layers):
                block = f"{stack}.block.{layer}.layer"
                for number, attention in enumerate(attentions):
                    yield from _attention(f"{block}.{number}.{attention}", config)
                    yield f"{block}.{number}.layer_norm.weight", (width,)
                mlp = f"{block}.{len(attentions)}"
                for name in ("wi_0", "wi_1") if config.is_gated_act else ("wi",):
                    yield f"{mlp}.DenseReluDense.{name}.weight", (config.d_ff, width)
                yield f"{mlp}.DenseReluDense.wo.weight", (width, config.d_ff)
                yield f"{mlp}.layer_norm.weight", (width,)
            yield f"{stack}.final_layer_norm.weight", (width,)
        # Version 1.1 says by this setting that it has a head of its own, whose input is not scaled.
        # Saved again by transformers it says `scale_decoder_outputs` in place of it, and where no
        # head stands beside that, the head was the embedding.
        if "lm_head.weight" in found or settings.get("tie_word_embeddings") is False:
            yield "lm_head.weight", (config.vocab_size, width)

    def module_class(
        self, found: Mapping[str, Shape]
    ) -> tuple[type[PreTrainedModel], dict[str, Any]]:
        return T5ForConditionalGeneration, {}

    def card_facts(self, config: Any, found: Mapping[str, Shape]) -> dict[str, Any]:
        return {
            "n_layers": config.num_decoder_layers,
            "n_encoder_layers": config.num_layers,
            "n_heads": config.num_heads,
            "n_kv_heads": config.num_heads,
            "d_head": config.d_kv,
            "d_model": config.d_model,
            "d_mlp": config.d_ff,
            "mlp_is_gated": config.is_gated_act,
        }

    def n_ctx(self, config: Any, tokenizer: Any) -> int:
        """Return the length that the tokenizer names, else the 512 that T5 was trained with.

        A T5 knows distances, not positions, so that its weights set no limit.
        """
        length = getattr(tokenizer, "model_max_length", None)
        # A tokenizer that names no length says 10^30.
        return length if type(length) is int and 1 <= length < 10**6 else _USUAL_N_CTX

    def writing_inputs(self, tokens: Tensor, n_logits: int = 1) -> dict[str, Any]:
        return {"decoder_input_ids": tokens}

    def reading_inputs(self, tokens: Tensor) -> dict[str, Any]:
        return {"input_ids": tokens}

    def trial_inputs(self, tokens: Tensor) -> dict[str, Any]:
        return {"input_ids": tokens, "decoder_input_ids": tokens, "use_cache": False}

    def reader(self, module: Any) -> Any:
        return module.encoder

    def watch(self, module: Any) -> None:
        for stack in (module.encoder, module.decoder):
            for layer, block in enumerate(stack.block):
                watch_projection(block.layer[0].SelfAttention.k, layer)
                watch_projection(block.layer[0].SelfAttention.v, layer)
                if stack is module.decoder:
                    _watch_what_passes(block.layer[0], block.layer[0].SelfAttention, layer)
                    attention = block.layer[1].EncDecAttention
                    _watch_what_passes(block.layer[1], attention, layer, cross=True)
                    mark_cross_attention(attention)
                    watch_projection(attention.k, layer, cross=True)
                    watch_projection(attention.v, layer, cross=True)
            watch_hidden(stack.block, stack.final_layer_norm)

    def projection(self, module: Any, layer: int, part: RowPart, *, cross: bool) -> Projection:
        layers = module.decoder.block[layer].layer
        attention = layers[1].EncDecAttention if cross else layers[0].SelfAttention
        return Projection(getattr(attention, _NAMES[part]).weight.T, None)

    def turn(self, module: Any, layer: int, n_places: int | Tensor) -> None:
        """Return None: positions are told by a bias of the scores."""


def decoder_bias(module: Any, queries: range) -> Tensor:
    """Return what the decoder adds to scores for the distance of key and query.

    Args:
        module: The module.
        queries: Positions of the queries; keys are those of all positions up to the last.

    Returns:
        Shape ``1 head query key``.
    """
    attention = module.decoder.block[0].layer[0].SelfAttention
    return attention.compute_bias(len(queries), queries.stop, past_seen_tokens=queries.start)


_NAMES: dict[RowPart, str] = {"query": "q", "key": "k", "value": "v"}


def _watch_what_passes(block: Any, attention: Any, layer: int, *, cross: bool = False) -> None:
    for part in ROW_PARTS:
        watch_given(getattr(attention, _NAMES[part]), layer, part, cross=cross)
    watch_given(block.layer_norm, layer, "stream", cross=cross)
    watch_added(attention.o, layer, cross=cross)


def _attention(part: str, config: Any) -> Iterator[tuple[str, Shape]]:
    inner = config.num_heads * config.d_kv
    for name in ("q", "k", "v"):
        yield f"{part}.{name}.weight", (inner, config.d_model)
    yield f"{part}.o.weight", (config.d_model, inner)


T5 = _T5()
