"""GPT-2: a decoder alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor
from transformers import GPT2Config, GPT2LMHeadModel

from kvviz.engine.models.families.decoder_alone import DecoderAlone
from kvviz.engine.models.families.family import Projection, Shape, too_small, uncut
from kvviz.engine.observing.observation import (
    watch_added,
    watch_given,
    watch_hidden,
    watch_projection,
)
from kvviz.trace.head_origin import ROW_PARTS, RowPart
from kvviz.translation import gettext as _

# Causal masks, which checkpoints of older versions carry among their weights.
_OLD_MASKS = (".attn.bias", ".attn.masked_bias")


class _GPT2(DecoderAlone):
    name: str = "gpt2"
    model_type: str = ""
    title = "GPT-2"
    config_class: type = GPT2Config
    module = GPT2LMHeadModel
    settings: tuple[str, ...] = (
        "vocab_size",
        "n_positions",
        "n_embd",
        "n_layer",
        "n_head",
        "n_inner",
        "activation_function",
        "layer_norm_epsilon",
        "scale_attn_weights",
        "scale_attn_by_inverse_layer_idx",
        "reorder_and_upcast_attn",
        "tie_word_embeddings",
        "eos_token_id",
    )
    sizes: tuple[str, ...] = ("n_layer", "n_head", "n_embd", "n_positions", "vocab_size")
    activation = "activation_function"
    n_projections = 1  # one product gives queries, keys and values
    adds_ends = False
    other_heads: tuple[str, ...] = ("multiple_choice_head.", *DecoderAlone.other_heads)

    def refusal(self, settings: dict[str, Any]) -> str:
        if settings.get("add_cross_attention") or settings.get("is_causal") is False:
            return _("config.json asks for cross-attention or for attention to later tokens.")
        return ""

    def check(self, config: Any) -> str:
        if config.n_inner is not None and config.n_inner < 1:
            return too_small("n_inner", config.n_inner, 1)
        if config.n_embd % config.n_head:
            return uncut(config.n_embd, config.n_head)
        return ""

    def plain_name(self, name: str) -> str:
        return "" if name.endswith(_OLD_MASKS) else name.removeprefix("transformer.")

    def layer_counts(self, config: Any) -> dict[str, int]:
        return {"h.": config.n_layer}

    def expected(
        self, config: Any, found: Mapping[str, Shape], settings: Mapping[str, Any]
    ) -> Iterator[tuple[str, Shape]]:
        """Yield the tensors of a GPT-2; Conv1D weights are input by output."""
        width, inner = config.n_embd, _inner_width(config)
        yield "wte.weight", (config.vocab_size, width)
        yield "wpe.weight", (config.n_positions, width)
        products = {
            "attn.c_attn": (width, 3 * width),
            "attn.c_proj": (width, width),
            "mlp.c_fc": (width, inner),
            "mlp.c_proj": (inner, width),
        }
        for layer in range(config.n_layer):
            for name, shape in products.items():
                yield f"h.{layer}.{name}.weight", shape
                yield f"h.{layer}.{name}.bias", shape[1:]
            for norm in ("ln_1", "ln_2"):
                yield f"h.{layer}.{norm}.weight", (width,)
                yield f"h.{layer}.{norm}.bias", (width,)
        yield "ln_f.weight", (width,)
        yield "ln_f.bias", (width,)
        if "lm_head.weight" in found or not config.tie_word_embeddings:
            yield "lm_head.weight", (config.vocab_size, width)

    def card_facts(self, config: Any, found: Mapping[str, Shape]) -> dict[str, Any]:
        return {
            "n_layers": config.n_layer,
            "n_heads": config.n_head,
            "n_kv_heads": config.n_head,
            "d_head": config.n_embd // config.n_head,
            "d_model": config.n_embd,
            "d_mlp": _inner_width(config),
        }

    def n_ctx(self, config: Any, tokenizer: Any) -> int:
        return config.n_positions

    def watch(self, module: Any) -> None:
        blocks = module.transformer.h
        for layer, block in enumerate(blocks):
            watch_projection(block.attn.c_attn, layer)
            watch_given(block.attn.c_attn, layer, *ROW_PARTS)
            watch_given(block.ln_1, layer, "stream")
            watch_added(block.attn.c_proj, layer)
        watch_hidden(blocks, module.transformer.ln_f)

    def projection(self, module: Any, layer: int, part: RowPart, *, cross: bool) -> Projection:
        product = module.transformer.h[layer].attn.c_attn
        # One product gives all three, side by side.
        number = ROW_PARTS.index(part)
        return Projection(product.weight.chunk(3, -1)[number], product.bias.chunk(3)[number])

    def turn(self, module: Any, layer: int, n_places: int | Tensor) -> None:
        """Return None: positions are told in the embeddings."""


def _inner_width(config: Any) -> int:
    return config.n_inner if config.n_inner is not None else 4 * config.n_embd


GPT2 = _GPT2()
