"""What Llama, its kin and Gemma 3 share: rotary positions, grouped heads, windows, a gated MLP."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

import torch
from torch import Tensor

from kvviz.engine.models.families.decoder_alone import DecoderAlone
from kvviz.engine.models.families.family import Projection, Shape, Turn, too_small
from kvviz.engine.models.families.foreign_settings import foreign_refusal
from kvviz.engine.models.families.rms_norm import settle_norms
from kvviz.engine.models.families.rotary import rope_refusal
from kvviz.engine.models.families.rotary_turn import settle_turning
from kvviz.engine.models.families.wide_angles import widen_angles
from kvviz.engine.observing.observation import (
    watch_added,
    watch_given,
    watch_hidden,
    watch_projection,
)
from kvviz.trace.head_origin import ROW_PARTS, RowPart
from kvviz.translation import gettext as _
from kvviz.translation import ngettext

_LAYER_KINDS = ("full_attention", "sliding_attention")

SIZES: tuple[str, ...] = (
    "vocab_size",
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "intermediate_size",
    "max_position_embeddings",
)
SETTINGS: tuple[str, ...] = (
    *SIZES,
    "head_dim",
    "rms_norm_eps",
    "rope_theta",
    "rope_scaling",
    "rope_parameters",
    "tie_word_embeddings",
    "pad_token_id",
    "eos_token_id",
)


class GroupedDecoder(DecoderAlone):
    """A decoder whose query heads share KV heads in groups, and some of whose layers see a window.

    What sets a model type apart is in the attributes of a class of its own; those that are not
    named here are of `CheckpointFamily`.

    Attributes:
        class_prefix: How the names of its classes in transformers begin.
        has_qk_norm: Whether queries and keys are normed, head by head.
        qkv_bias: Whether queries, keys and values have a bias whatever the config says.
        norms: Norms of a layer that are as wide as the residual stream.
        norm_offset: What a norm adds to its weight.
        rope_layer_types: Kinds of layers that are turned by a base of their own each.
    """

    name: str
    title: str
    model_type: str = ""
    config_class: type
    settings: tuple[str, ...]
    sizes: tuple[str, ...] = SIZES
    activation: str = "hidden_act"
    n_projections = 2
    adds_ends = True
    class_prefix: str
    has_qk_norm = False
    qkv_bias = False
    norms: tuple[str, ...] = ("input_layernorm", "post_attention_layernorm")
    norm_offset = 0.0
    rope_layer_types: tuple[str, ...] = ()

    def refusal(self, settings: dict[str, Any]) -> str:
        """Say in a sentence what of these settings is not computed here."""
        return foreign_refusal(
            settings, self.settings, self.class_prefix, self.title
        ) or rope_refusal(settings, self.rope_layer_types)

    def check(self, config: Any) -> str:
        """Say in a sentence what in a config fits no model, or return ''."""
        d_head = self._d_head(config)
        if type(d_head) is not int or d_head < 2 or d_head % 2:
            return _(
                "head_dim is {found!r}, and must be even: rotary positions turn pairs."
            ).format(found=d_head)
        n_heads, n_kv_heads = config.num_attention_heads, config.num_key_value_heads
        if n_heads % n_kv_heads:
            return ngettext(
                "{n_heads} query heads cannot share {n} key and value head evenly.",
                "{n_heads} query heads cannot share {n} key and value heads evenly.",
                n_kv_heads,
            ).format(n_heads=n_heads, n=n_kv_heads)
        pad = config.pad_token_id
        if pad is not None and not 0 <= pad < config.vocab_size:
            return _("{setting} is {found}, and must be in the vocabulary.").format(
                setting="pad_token_id", found=pad
            )
        return self._check_windows(config)

    def _check_windows(self, config: Any) -> str:
        kinds: Any = self.layer_kinds(config)
        if unknown := [kind for kind in kinds if kind not in _LAYER_KINDS]:
            return _("A layer is of the type {kind!r}; kvviz computes {known}.").format(
                kind=unknown[0], known=", ".join(_LAYER_KINDS)
            )
        window = getattr(config, "sliding_window", None)
        if "sliding_attention" not in kinds:
            return ""
        if type(window) is not int:
            return _("Some layers have a window, and sliding_window is {found!r}.").format(
                found=window
            )
        return too_small("sliding_window", window, 1) if window < 1 else ""

    def layer_kinds(self, config: Any) -> list[str]:
        """Return for each layer whether it sees all positions or a window of them."""
        kinds = getattr(config, "layer_types", None)
        return list(kinds) if kinds else ["full_attention"] * config.num_hidden_layers

    def _d_head(self, config: Any) -> Any:
        # Some configs say nothing of it, and some of the classes neither.
        said = getattr(config, "head_dim", None)
        return config.hidden_size // config.num_attention_heads if said is None else said

    def plain_name(self, name: str) -> str:
        """Return a tensor's name without the part that all have; '' for stored angles."""
        return "" if name.endswith("rotary_emb.inv_freq") else name.removeprefix("model.")

    def layer_counts(self, config: Any) -> dict[str, int]:
        """Return how many layers there are."""
        return {"layers.": config.num_hidden_layers}

    def expected(
        self, config: Any, found: Mapping[str, Shape], settings: Mapping[str, Any]
    ) -> Iterator[tuple[str, Shape]]:
        """Yield the tensors; Linear weights are output by input."""
        width, inner, d_head = config.hidden_size, config.intermediate_size, self._d_head(config)
        queries, kept = (
            n * d_head for n in (config.num_attention_heads, config.num_key_value_heads)
        )
        has_bias = getattr(config, "attention_bias", False)
        mlp_bias = getattr(config, "mlp_bias", False)
        products = {
            "self_attn.q_proj": ((queries, width), has_bias or self.qkv_bias),
            "self_attn.k_proj": ((kept, width), has_bias or self.qkv_bias),
            "self_attn.v_proj": ((kept, width), has_bias or self.qkv_bias),
            "self_attn.o_proj": ((width, queries), has_bias),
            "mlp.gate_proj": ((inner, width), mlp_bias),
            "mlp.up_proj": ((inner, width), mlp_bias),
            "mlp.down_proj": ((width, inner), mlp_bias),
        }
        yield "embed_tokens.weight", (config.vocab_size, width)
        for layer in range(config.num_hidden_layers):
            for name, (shape, biased) in products.items():
                yield f"layers.{layer}.{name}.weight", shape
                if biased:
                    yield f"layers.{layer}.{name}.bias", shape[:1]
            for norm in self.norms:
                yield f"layers.{layer}.{norm}.weight", (width,)
            for norm in ("q_norm", "k_norm") if self.has_qk_norm else ():
                yield f"layers.{layer}.self_attn.{norm}.weight", (d_head,)
        yield "norm.weight", (width,)
        if "lm_head.weight" in found or not config.tie_word_embeddings:
            yield "lm_head.weight", (config.vocab_size, width)

    def card_facts(self, config: Any, found: Mapping[str, Shape]) -> dict[str, Any]:
        """Return the shape, with the windows where there are any."""
        kinds = self.layer_kinds(config)
        windows = tuple(
            cast("int", config.sliding_window) if kind == "sliding_attention" else 0
            for kind in kinds
        )
        return {
            "n_layers": config.num_hidden_layers,
            "n_heads": config.num_attention_heads,
            "n_kv_heads": config.num_key_value_heads,
            "d_head": self._d_head(config),
            "d_model": config.hidden_size,
            "d_mlp": config.intermediate_size,
            "mlp_is_gated": True,
            "model_type": self.model_type,
            "windows": windows if any(windows) else (),
        }

    def n_ctx(self, config: Any, tokenizer: Any) -> int:
        """Return the positions that the model is meant for; its weights set no limit."""
        return config.max_position_embeddings

    def watch(self, module: Any) -> None:
        """Let observers hear of the key and value products and of the residual stream."""
        settle_norms(module, self.norm_offset)
        widen_angles(module)
        settle_turning(module)
        blocks = module.model.layers
        for layer, block in enumerate(blocks):
            attention = block.self_attn
            watch_projection(attention.k_proj, layer)
            watch_projection(attention.v_proj, layer)
            for part in ROW_PARTS:
                watch_given(_product(attention, part), layer, part)
            watch_given(block.input_layernorm, layer, "stream")
            added = block.post_attention_layernorm if self.norms_added else attention.o_proj
            watch_added(added, layer)
        watch_hidden(blocks, module.model.norm)

    def projection(self, module: Any, layer: int, part: RowPart, *, cross: bool) -> Projection:
        """Return a product; queries and keys are turned after it, and normed before that."""
        attention = module.model.layers[layer].self_attn
        product = _product(attention, part)
        said = Projection(product.weight.T, product.bias)
        if part == "value":
            return said
        said = said._replace(is_turned=self._turns(module, layer))
        if not self.has_qk_norm:
            return said
        norm = attention.q_norm if part == "query" else attention.k_norm
        epsilon = norm.variance_epsilon if hasattr(norm, "variance_epsilon") else norm.eps
        return said._replace(norm=norm.weight + self.norm_offset, epsilon=epsilon)

    def _turns(self, module: Any, layer: int) -> bool:
        """Return whether a layer turns its queries and keys."""
        return True

    def turn(self, module: Any, layer: int, n_places: int | Tensor) -> Turn:
        """Return the rotation of the position `n_places`, which is that of so many places on."""
        wide = torch.promote_types(module.dtype, torch.float32)
        rows = torch.empty(0, device=module.device, dtype=wide)
        places = torch.as_tensor(n_places, device=module.device)
        cos, sin = self._angles(module, layer, rows, places.reshape(1, -1))
        return Turn(*(part.view(*places.shape, part.shape[-1]) for part in (cos, sin)))

    def _angles(
        self, module: Any, layer: int, rows: Tensor, places: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return cosines and sines at places, shape ``1 place d_head``, as the model makes them."""
        return module.model.rotary_emb(rows, places)


def _product(attention: Any, part: RowPart) -> Any:
    return {"query": attention.q_proj, "key": attention.k_proj, "value": attention.v_proj}[part]
