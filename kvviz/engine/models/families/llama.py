"""Llama, and what is built like it: Mistral, Qwen2, Qwen3 and SmolLM3."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
    SmolLM3Config,
    SmolLM3ForCausalLM,
)

from kvviz.engine.models.families.grouped_decoder import SETTINGS, GroupedDecoder
from kvviz.translation import gettext as _
from kvviz.translation import ngettext

_WINDOWS = ("sliding_window", "use_sliding_window", "max_window_layers", "layer_types")


class _Llama(GroupedDecoder):
    name = "llama"
    title = "Llama"  # not for people: a name
    config_class = LlamaConfig
    module = LlamaForCausalLM
    settings = (*SETTINGS, "hidden_act", "attention_bias", "mlp_bias")
    class_prefix = "Llama"  # not for people: a name in code


class _Mistral(GroupedDecoder):
    """One window for all layers, or none."""

    name = "llama"
    title = "Mistral"  # not for people: a name
    model_type = "mistral"
    config_class = MistralConfig
    module = MistralForCausalLM
    settings = (*SETTINGS, "hidden_act", "sliding_window")
    class_prefix = "Mistral"  # not for people: a name in code

    def layer_kinds(self, config: Any) -> list[str]:
        """Return the one kind that all layers are of."""
        kind = "full_attention" if config.sliding_window is None else "sliding_attention"
        return [kind] * config.num_hidden_layers


class _Qwen2(GroupedDecoder):
    """Queries, keys and values have a bias; layers may have a window."""

    name = "llama"
    title = "Qwen2"
    model_type = "qwen2"
    config_class = Qwen2Config
    module = Qwen2ForCausalLM
    settings = (*SETTINGS, "hidden_act", *_WINDOWS)
    class_prefix = "Qwen2"
    qkv_bias = True


class _Qwen3(GroupedDecoder):
    """Queries and keys are normed head by head before they are turned."""

    name = "llama"
    title = "Qwen3"
    model_type = "qwen3"
    config_class = Qwen3Config
    module = Qwen3ForCausalLM
    settings = (*SETTINGS, "hidden_act", "attention_bias", *_WINDOWS)
    class_prefix = "Qwen3"
    has_qk_norm = True


class _SmolLM3(GroupedDecoder):
    """Some layers do not turn their queries and keys, and so know no positions."""

    name = "llama"
    title = "SmolLM3"
    model_type = "smollm3"
    config_class = SmolLM3Config
    module = SmolLM3ForCausalLM
    settings = (
        *SETTINGS,
        "hidden_act",
        "attention_bias",
        "mlp_bias",
        "sliding_window",
        "use_sliding_window",
        "layer_types",
        "no_rope_layers",
        "no_rope_layer_interval",
    )
    class_prefix = "SmolLM3"

    def _angles(
        self, module: Any, layer: int, rows: Tensor, places: Tensor
    ) -> tuple[Tensor, Tensor]:
        cos, sin = super()._angles(module, layer, rows, places)
        if self._turns(module, layer):
            return cos, sin
        return torch.ones_like(cos), torch.zeros_like(sin)

    def _turns(self, module: Any, layer: int) -> bool:
        return bool(module.config.no_rope_layers[layer])

    def refusal(self, settings: dict[str, Any]) -> str:
        """Refuse an interval that is none, besides what all refuse."""
        interval = settings.get("no_rope_layer_interval")
        if interval is not None and (type(interval) is not int or interval < 1):
            return _("{setting} is {found!r}, and must be a whole number above 0.").format(
                setting="no_rope_layer_interval", found=interval
            )
        return super().refusal(settings)

    def check(self, config: Any) -> str:
        """Hold layers without positions to the number of layers, and windows to their switch."""
        turned = config.no_rope_layers
        if len(turned) != config.num_hidden_layers:
            return ngettext(
                "no_rope_layers names {n} layer, and there are {n_layers}.",
                "no_rope_layers names {n} layers, and there are {n_layers}.",
                len(turned),
            ).format(n=len(turned), n_layers=config.num_hidden_layers)
        if "sliding_attention" in self.layer_kinds(config) and not config.use_sliding_window:
            return _("Some layers have a window, and use_sliding_window is off.")
        return super().check(config)


LLAMA = _Llama()
MISTRAL = _Mistral()
QWEN2 = _Qwen2()
QWEN3 = _Qwen3()
SMOLLM3 = _SmolLM3()
